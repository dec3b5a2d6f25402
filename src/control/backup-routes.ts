// The management API's routes for backups: what a vault holds, a backup now, verifying it, a server or a table made from it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { BackupsView, OperationView, RestoreServer, RestoreTable } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { VaultContent } from '../contract/backup.ts'
import { beginBackup, beginVerify, requireKnown } from '../databases/backup-operations.ts'
import { beginRestoreServer, planRestoreServer } from '../databases/restore-server.ts'
import { askVault, findVaultHost } from '../databases/vault-calls.ts'
import { beginRestoreTable, planRestoreTable } from '../recovery/restore-table.ts'
import type { ApiDeps } from './compose.ts'
import { PLANNED_OR_BEGUN, planOrBegin } from './plan-or-begin.ts'

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

  const restoreSchema = { params: ByServer, body: RestoreServer, response: PLANNED_OR_BEGUN }
  app.post(API.restoreServer, { schema: restoreSchema }, async (request, reply) => {
    const { server } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planRestoreServer(deps.backups, caller, server, request.body),
      begin: async (caller, key) => await beginRestoreServer(deps.backups, caller, server, request.body, key),
    })
  })

  const ByTable = Type.Object({ service: Type.String({ maxLength: 100 }), table: Type.String({ maxLength: 100 }) })
  const tableSchema = { params: ByTable, body: RestoreTable, response: PLANNED_OR_BEGUN }
  app.post(API.restoreTable, { schema: tableSchema }, async (request, reply) => {
    const { params, body } = request
    return await planOrBegin(deps, request, reply, {
      isDryRun: body.isDryRun,
      plan: async (caller) => await planRestoreTable(deps.recovery, caller, params, body),
      begin: async (caller, key) => await beginRestoreTable(deps.recovery, caller, params, body, key),
    })
  })
}
