// The management API's routes for the cloud itself: status, regions, servers.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { RegionView, ServerView, StatusView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { getRegion } from '../regions/regions.ts'
import type { ApiDeps } from './compose.ts'
import { setRegion } from './set-region.ts'
import { viewRegions, viewServers, viewStatus } from './views.ts'

const CAPACITY_MAX = 100_000
const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: CAPACITY_MAX }))
const SetRegion = Type.Object({ reservedUnits: Count, sharedSlots: Count }, { additionalProperties: false })

/** Everything that is not about one service. */
export const cloudRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.status, { schema: { response: { 200: StatusView } } }, async (request) => {
    return await viewStatus(deps.views, deps.callerOf(request).subscriptionId)
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

  app.get(
    API.servers,
    { schema: { response: { 200: Type.Array(ServerView) } } },
    async () => await viewServers(deps.views),
  )

  const serverSchema = { params: Type.Object({ server: Type.String() }), response: { 200: ServerView } }
  app.get(API.server, { schema: serverSchema }, async (request) => {
    const view = (await viewServers(deps.views)).find((server) => server.name === request.params.server)
    if (view) return view
    throw new Fault('server.unknown', 404, `there is no server '${request.params.server}'`, {
      hint: 'See which there are: mainstay sql server list',
    })
  })

  const settleSchema = {
    params: Type.Object({ machine: Type.String({ maxLength: 100 }) }),
    response: { 204: Type.Null() },
  }
  app.post(API.settleWithout, { schema: settleSchema }, async (request, reply) => {
    await deps.views.lineage.giveUp(request.params.machine)
    return reply.code(204).send(null)
  })
}
