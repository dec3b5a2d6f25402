// The management API's routes for what was and is: operations, incidents, and who changed what.
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { listAudit, readChain } from '../accounts/audit.ts'
import { AuditView, IncidentView, OperationView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { listIncidents } from '../health/incident-list.ts'
import { AUDIT_READ_AT_ONCE, LIST_ROWS_MAX, WATCH_MS_MAX } from '../kit/limits.ts'
import { getOperation, listOperations, viewOperation } from '../operations/operations.ts'
import type { ApiDeps } from './compose.ts'

const Name = Type.Optional(Type.String({ maxLength: 200 }))
const Top = Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_ROWS_MAX }))
const TOP_USUAL = 50

/** Operations: list, show, watch. Incidents and audit: list. */
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

  const incidentsSchema = {
    querystring: Type.Object({ subject: Name, isOpen: Type.Optional(Type.Boolean()), top: Top }),
    response: { 200: Type.Array(IncidentView) },
  }
  app.get(API.incidents, { schema: incidentsSchema }, async (request) => {
    const { subject, isOpen, top } = request.query
    const wanted = { subject, isOpen, limit: top ?? TOP_USUAL }
    return await listIncidents(deps.db, deps.callerOf(request).subscriptionId, wanted)
  })

  // One entry a line, in the order of the chain: readable without us, and checkable without us.
  app.get(API.auditExport, async (request, reply) => {
    const { subscriptionId } = deps.callerOf(request)
    return reply.type('application/x-ndjson').send(Readable.from(linesOf(deps, subscriptionId)))
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

async function* linesOf({ db }: ApiDeps, subscriptionId: string): AsyncGenerator<string> {
  for (let after = 0; ; ) {
    const entries = await readChain(db, subscriptionId, { after, limit: AUDIT_READ_AT_ONCE })
    for (const entry of entries) yield `${JSON.stringify(entry)}\n`
    after = entries.at(-1)?.link ?? after
    if (entries.length < AUDIT_READ_AT_ONCE) return
  }
}
