// The management API's routes for what was measured: the requests of a service, how a server or a machine stood.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { MeasuresView, SpanSchema, UsageView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { getServer } from '../databases/servers.ts'
import { readMeasures } from '../history/measures.ts'
import { readUsage } from '../history/usage.ts'
import { Fault } from '../kit/fault.ts'
import { findMachine } from '../regions/regions.ts'
import { getService } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

const SPAN_USUAL = '1d'
const Name = Type.String({ maxLength: 100 })
const Over = Type.Object({ over: Type.Optional(SpanSchema) })

/** Usage of a service; measures of a server and of a machine. */
export const usageRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const wantedOf = (query: { over?: UsageView['over'] }) => ({ over: query.over ?? SPAN_USUAL, nowMs: Date.now() })

  const usageSchema = { params: Type.Object({ service: Name }), querystring: Over, response: { 200: UsageView } }
  app.get(API.usage, { schema: usageSchema }, async (request) => {
    const { subscriptionId } = deps.callerOf(request)
    const service = await getService(deps.db, subscriptionId, request.params.service)
    return await readUsage(deps.db, service, wantedOf(request.query))
  })

  const serverSchema = { params: Type.Object({ server: Name }), querystring: Over, response: { 200: MeasuresView } }
  app.get(API.serverMeasures, { schema: serverSchema }, async (request) => {
    const { name } = await getServer(deps.db, request.params.server)
    return await readMeasures(deps.db, { kind: 'server', subject: name }, wantedOf(request.query))
  })

  const machineSchema = { params: Type.Object({ machine: Name }), querystring: Over, response: { 200: MeasuresView } }
  app.get(API.machineMeasures, { schema: machineSchema }, async (request) => {
    const { machine } = request.params
    if (!(await findMachine(deps.db, machine))) {
      throw new Fault('machine.unknown', 404, `there is no machine ${machine}`, { hint: 'See: mainstay machine list' })
    }
    return await readMeasures(deps.db, { kind: 'machine', subject: machine }, wantedOf(request.query))
  })
}
