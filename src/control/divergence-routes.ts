// The management API's routes for stranded writes: which there are, how they would apply, applying and discarding them.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { audit } from '../accounts/audit.ts'
import {
  ApplyDivergence,
  DiscardDivergence,
  DivergencePreviewView,
  DivergenceView,
  OperationView,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { type Divergence, discardDivergence, getDivergence, listDivergences } from '../databases/divergences.ts'
import { dropCopies } from '../databases/server-drops.ts'
import { BUNDLE_CHANGES_SHOWN_MAX } from '../kit/limits.ts'
import { beginApply, previewDivergence } from '../recovery/apply-divergence.ts'
import { getService } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

const ByServer = Type.Object({ server: Type.String({ maxLength: 100 }) })
const Page = Type.Object({
  epoch: Type.Optional(Type.Integer()),
  service: Type.Optional(Type.String({ maxLength: 100 })),
  from: Type.Optional(Type.Integer({ minimum: 0 })),
  count: Type.Optional(Type.Integer({ minimum: 0, maximum: BUNDLE_CHANGES_SHOWN_MAX })),
})
const SHOWN_USUAL = 100

/** Everything about stranded writes. */
export const divergenceRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.divergences, { schema: { response: { 200: Type.Array(DivergenceView) } } }, async () => {
    return await viewDivergences(deps, await listDivergences(deps.db))
  })

  const showSchema = { params: ByServer, querystring: Page, response: { 200: DivergencePreviewView } }
  app.get(API.divergence, { schema: showSchema }, async (request) => {
    const { epoch, service, from = 0, count = SHOWN_USUAL } = request.query
    const found = await getDivergence(deps.db, request.params.server, epoch)
    const schema = await schemaOf(deps, deps.callerOf(request).subscriptionId, service)
    const { changes, ...counts } = await previewDivergence(deps.recovery, found, { schema, from, count })
    const [divergence] = await viewDivergences(deps, [found])
    if (!divergence) throw new TypeError('one row has one view')
    return { divergence, ...counts, changes: changes.map(({ xid, ...change }) => ({ transaction: xid, ...change })) }
  })

  const applySchema = { params: ByServer, body: ApplyDivergence, response: { 202: OperationView } }
  app.post(API.applyDivergence, { schema: applySchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const { epoch, service, onConflict = 'skip' } = request.body
    const found = await getDivergence(deps.db, request.params.server, epoch)
    const schema = await schemaOf(deps, caller.subscriptionId, service)
    const wanted = { server: found.server, epoch: Number(found.epoch), schema, onConflict }
    return reply.code(202).send(await deps.started(caller, await beginApply(deps.recovery, caller, wanted)))
  })

  const discardSchema = { params: ByServer, body: DiscardDivergence, response: { 204: Type.Null() } }
  app.post(API.discardDivergence, { schema: discardSchema }, async (request, reply) => {
    const { epoch } = request.body
    const { server, machine, state } = await getDivergence(deps.db, request.params.server, epoch)
    await deps.db.transaction().execute(async (trx) => {
      await discardDivergence(trx, { server, epoch })
      // The copy that it was decoded from is of no more use, where it still lies.
      const gone = trx.deleteFrom('server_members').where('server', '=', server).where('machine', '=', machine)
      const dropped = await gone.where('role', '=', 'quarantined').executeTakeFirst()
      if (dropped.numDeletedRows > 0n) await dropCopies(trx, server, [machine])
      const before = { epoch, state }
      await audit(trx, deps.callerOf(request), { action: 'sql divergence discard', subject: server, before })
    })
    await deps.field.push()
    return reply.code(204).send(null)
  })
}

async function schemaOf(deps: ApiDeps, subscriptionId: string, service: string | undefined): Promise<string | null> {
  return service === undefined ? null : (await getService(deps.db, subscriptionId, service)).schema_name
}

async function viewDivergences(deps: ApiDeps, rows: Divergence[]): Promise<DivergenceView[]> {
  const services = await deps.db
    .selectFrom('services')
    .select(['name', 'server', 'schema_name'])
    .where('is_data_dropped', '=', false)
    .execute()
  return rows.map(({ server, epoch, machine, state, summary, applied, found_at }) => ({
    server,
    epoch: Number(epoch),
    machine,
    state,
    transactions: summary.transactions,
    changes: summary.changes,
    tables: summary.byTable.map((table) => ({
      service: services.find((one) => one.server === server && one.schema_name === table.schema)?.name ?? null,
      ...table,
    })),
    applied,
    foundAt: found_at.toISOString(),
  }))
}
