// The log of a service in the original's management protocol.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ApiDeps } from '../control/compose.ts'
import { viewLog } from '../control/service-log.ts'
import { logQueryOf } from './log-filter.ts'

const ByService = Type.Object({ svc: Type.String({ maxLength: 100 }) })
// What else a person adds to a query is left alone.
const Query = Type.Object({
  $filter: Type.Optional(Type.String({ maxLength: 500 })),
  $top: Type.Optional(Type.String({ maxLength: 20 })),
  continuationToken: Type.Optional(Type.String({ maxLength: 100 })),
})

/** One route. */
export const logRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get('/logs', { schema: { params: ByService, querystring: Query } }, async (request) => {
    const query = logQueryOf(request.query)
    const { results, continuationToken } = await viewLog(deps, deps.callerOf(request), request.params.svc, query)
    const lines = results.map(({ timeCreated, type, source, message }) => ({
      ...{ timeCreated, type, source: source ?? '', message },
    }))
    return { results: lines, ...(continuationToken === null ? {} : { continuationToken }) }
  })
}
