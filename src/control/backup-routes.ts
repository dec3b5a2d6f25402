// The management API's routes for backups: what a vault holds, a backup now, verifying it, a server or a table made from it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { BackupsView, DryRunView, OperationView, RestoreServer, RestoreTable } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { VaultContent } from '../contract/backup.ts'
import { beginBackup, beginVerify, requireKnown } from '../databases/backup-operations.ts'
import { beginRestoreServer, planRestoreServer } from '../databases/restore-server.ts'
import { askVault, findVaultHost } from '../databases/vault-calls.ts'
import { beginRestoreTable, planRestoreTable } from '../recovery/restore-table.ts'
import type { ApiDeps } from './compose.ts'
import { keyOf } from './request-key.ts'

const ByServer = Type.Object({ server: Type.String({ maxLength: 100 }) })
const Check = Type.Object({ isRestored: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
const BEGUN = { 202: OperationView }

/** Everything about backups. */
export const backupRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.backups, { schema: { params: ByServer, response: { 200: BackupsView } } }, async (request) => {
    const { name } = await requireKnown(deps.db, request.params.server)
    const machine = findVaultHost(deps.backups, null)
    return await askVault<VaultContent>(deps.backups, machine, { path: `/vault/${name}/content`, body: {} })
  })

  app.post(API.backups, { schema: { params: ByServer, response: BEGUN } }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const id = await beginBackup(deps.backups, caller, request.params.server)
    return reply.code(202).send(await deps.started(caller, id))
  })

  app.post(
    API.verifyBackups,
    { schema: { params: ByServer, body: Check, response: BEGUN } },
    async (request, reply) => {
      const caller = deps.callerOf(request)
      const wanted = { server: request.params.server, isRestored: request.body.isRestored === true }
      return reply.code(202).send(await deps.started(caller, await beginVerify(deps.backups, caller, wanted)))
    },
  )

  const restoreSchema = { params: ByServer, body: RestoreServer, response: { 200: DryRunView, ...BEGUN } }
  app.post(API.restoreServer, { schema: restoreSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const { server } = request.params
    if (request.body.isDryRun === true) return await planRestoreServer(deps.backups, caller, server, request.body)
    const id = await beginRestoreServer(deps.backups, caller, server, request.body, keyOf(request.headers))
    return reply.code(202).send(await deps.started(caller, id))
  })

  const ByTable = Type.Object({ service: Type.String({ maxLength: 100 }), table: Type.String({ maxLength: 100 }) })
  const tableSchema = { params: ByTable, body: RestoreTable, response: { 200: DryRunView, ...BEGUN } }
  app.post(API.restoreTable, { schema: tableSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const { params, body } = request
    if (body.isDryRun === true) return await planRestoreTable(deps.recovery, caller, params, body)
    const id = await beginRestoreTable(deps.recovery, caller, params, body, keyOf(request.headers))
    return reply.code(202).send(await deps.started(caller, id))
  })
}
