// The management API's route for the log of a service: it lies on the host that serves it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { LogView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { LOG_TYPES, type LogQuery } from '../contract/service-log.ts'
import { SERVICE_LOG_TOP_MAX } from '../kit/limits.ts'
import type { ApiDeps } from './compose.ts'
import { viewLog } from './service-log.ts'

const TOP_USUAL = 10
const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
const EntryId = Type.Optional(Type.String({ pattern: '^[0-9]{16}$' }))

/** One route. */
export const serviceLogRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const schema = {
    params: Type.Object({ service: Type.String({ maxLength: 100 }) }),
    querystring: Type.Object({
      type: Type.Optional(Type.Enum([...LOG_TYPES])),
      source: Text,
      search: Text,
      requestId: Text,
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: SERVICE_LOG_TOP_MAX })),
      continuationToken: EntryId,
      after: EntryId,
    }),
    response: { 200: LogView },
  }
  app.get(API.log, { schema }, async (request): Promise<LogView> => {
    const { continuationToken: before, top = TOP_USUAL, ...asked } = request.query
    const query: LogQuery = { ...asked, top, ...(before === undefined ? {} : { before }) }
    return await viewLog(deps, deps.callerOf(request), request.params.service, query)
  })
}
