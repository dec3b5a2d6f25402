// The management API's routes for the cloud itself: status and regions.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { RegionView, StatusView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { getRegion } from '../regions/regions.ts'
import type { ApiDeps } from './compose.ts'
import { setRegion } from './set-region.ts'
import { viewFor, viewRegions, viewStatus } from './views.ts'

const CAPACITY_MAX = 100_000
const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: CAPACITY_MAX }))
const SetRegion = Type.Object({ reservedUnits: Count, sharedSlots: Count }, { additionalProperties: false })

/** Everything that is not about one service. */
export const cloudRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.status, { schema: { response: { 200: StatusView } } }, async (request) => {
    const { subscriptionId, role } = deps.callerOf(request)
    const status = await viewStatus(deps.views, subscriptionId)
    return { ...status, services: status.services.map((one) => viewFor(role, one)) }
  })

  app.get(
    API.regions,
    { schema: { response: { 200: Type.Array(RegionView) } } },
    async () => await viewRegions(deps.views),
  )

  const setSchema = { params: Type.Object({ region: Type.String() }), body: SetRegion, response: { 200: RegionView } }
  app.patch(API.region, { schema: setSchema }, async (request) => {
    const region = await getRegion(deps.db, request.params.region)
    await setRegion(deps, deps.callerOf(request), region.slug, request.body)
    const view = (await viewRegions(deps.views)).find((entry) => entry.slug === region.slug)
    if (!view) throw new Fault('region.unknown', 404, `there is no region "${request.params.region}"`)
    return view
  })

  const settleSchema = {
    params: Type.Object({ machine: Type.String({ maxLength: 100 }) }),
    response: { 204: Type.Null() },
  }
  app.post(API.settleWithout, { schema: settleSchema, config: { role: 'owner' } }, async (request, reply) => {
    await deps.views.lineage.giveUp(request.params.machine)
    return reply.code(204).send(null)
  })
}
