// The management API's routes for what was and is being done: operations, and who changed what.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { listAudit } from '../accounts/audit.ts'
import { AuditView, OperationView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { LIST_ROWS_MAX, WATCH_MS_MAX } from '../kit/limits.ts'
import { getOperation, listOperations, viewOperation } from '../operations/operations.ts'
import type { ApiDeps } from './compose.ts'

const Name = Type.Optional(Type.String({ maxLength: 200 }))
const Top = Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_ROWS_MAX }))
const TOP_USUAL = 50

/** Operations: list, show, watch. Audit: list. */
export const historyRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const listSchema = {
    querystring: Type.Object({ service: Name, server: Name, top: Top }),
    response: { 200: Type.Array(OperationView) },
  }
  app.get(API.operations, { schema: listSchema }, async (request) => {
    const { service, server, top } = request.query
    const wanted = { service, server, limit: top ?? TOP_USUAL }
    return (await listOperations(deps.db, deps.callerOf(request).subscriptionId, wanted)).map(viewOperation)
  })

  const watchSchema = {
    params: Type.Object({ operation: Type.String({ maxLength: 100 }) }),
    querystring: Type.Object({
      after: Type.Optional(Type.Integer({ minimum: 0 })),
      waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: WATCH_MS_MAX })),
    }),
    response: { 200: OperationView },
  }
  app.get(API.operation, { schema: watchSchema }, async (request) => {
    const { subscriptionId } = deps.callerOf(request)
    const read = async () => viewOperation(await getOperation(deps.db, subscriptionId, request.params.operation))
    return await deps.changes.waitUntil(read, {
      isNews: (view) => view.revision > (request.query.after ?? 0),
      withinMs: request.query.waitMs ?? 0,
    })
  })

  const auditSchema = {
    querystring: Type.Object({ subject: Name, top: Top }),
    response: { 200: Type.Array(AuditView) },
  }
  app.get(API.audit, { schema: auditSchema }, async (request) => {
    const { subject, top } = request.query
    return await listAudit(deps.db, deps.callerOf(request).subscriptionId, { subject, limit: top ?? TOP_USUAL })
  })
}
