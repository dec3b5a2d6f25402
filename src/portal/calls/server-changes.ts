// What the portal changes of database servers. `plan…` asks what it would do; `begin…` begins an operation.
import type {
  ApplyDivergence,
  CreateServer,
  DryRunView,
  OperationView,
  PromoteServer,
  ProtectServer,
  RestoreServer,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { call, pathOf } from './call.ts'

const POST = { method: 'POST' } as const

export const planCreateServer = (request: CreateServer) => plan(API.servers, {}, request)
export const beginCreateServer = (request: CreateServer, key: string) =>
  call<OperationView>(API.servers, { ...POST, body: request, key })

export async function planDeleteServer(server: string, wanted: { deleteData: boolean }): Promise<string[]> {
  const query = { ...wanted, isDryRun: true }
  return (await call<DryRunView>(pathOf(API.server, { server }), { method: 'DELETE', query })).changes
}
export const beginDeleteServer = (server: string, wanted: { deleteData: boolean }, key: string) =>
  call<OperationView>(pathOf(API.server, { server }), { method: 'DELETE', query: wanted, key })

export const planProtect = (server: string, request: ProtectServer) => plan(API.protectServer, { server }, request)
export const beginProtect = (server: string, request: ProtectServer, key: string) =>
  call<OperationView>(pathOf(API.protectServer, { server }), { ...POST, body: request, key })

export const planPromote = (server: string, request: PromoteServer) => plan(API.promoteServer, { server }, request)
export const beginPromote = (server: string, request: PromoteServer, key: string) =>
  call<OperationView>(pathOf(API.promoteServer, { server }), { ...POST, body: request, key })

export async function planSwitchServer(server: string): Promise<string[]> {
  const query = { isDryRun: true }
  return (await call<DryRunView>(pathOf(API.switchServer, { server }), { ...POST, query })).changes
}
export const beginSwitchServer = (server: string, key: string) =>
  call<OperationView>(pathOf(API.switchServer, { server }), { ...POST, key })

export const beginBackup = (server: string, key: string) =>
  call<OperationView>(pathOf(API.backups, { server }), { ...POST, key })
export const beginVerifyBackups = (server: string, wanted: { isRestored: boolean }, key: string) =>
  call<OperationView>(pathOf(API.verifyBackups, { server }), { ...POST, body: wanted, key })

export const planRestoreServer = (server: string, request: RestoreServer) =>
  plan(API.restoreServer, { server }, request)
export const beginRestoreServer = (server: string, request: RestoreServer, key: string) =>
  call<OperationView>(pathOf(API.restoreServer, { server }), { ...POST, body: request, key })

export const beginApply = (server: string, request: ApplyDivergence, key: string) =>
  call<OperationView>(pathOf(API.applyDivergence, { server }), { ...POST, body: request, key })
export const discardDivergence = (server: string, epoch: number) =>
  call<void>(pathOf(API.discardDivergence, { server }), { ...POST, body: { epoch } })

async function plan(route: string, names: Record<string, string>, request: object): Promise<string[]> {
  const answer = await call<DryRunView>(pathOf(route, names), { ...POST, body: { ...request, isDryRun: true } })
  return answer.changes
}
