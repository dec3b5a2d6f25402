// What the portal changes of mobile services. `plan…` asks what it would do; `begin…` begins an operation.
import type {
  ChangeDatabase,
  CreateService,
  DryRunView,
  FailBack,
  KeyType,
  KeyView,
  OperationView,
  RecoverRequest,
  Reprotect,
  RestoreService,
  ScalePlanView,
  ScaleService,
  ServiceSettings,
  SetSettings,
  SwitchService,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { sizeText } from '../kit/amounts.ts'
import { call, pathOf } from './call.ts'

const POST = { method: 'POST' } as const

export const planCreate = (request: CreateService) => plan(API.services, {}, request)
export const beginCreate = (request: CreateService, key: string) =>
  call<OperationView>(API.services, { ...POST, body: request, key })

/** What becomes of the data: it stays, unless it is to go after a while, or `now`. */
type Deletion = { deleteData: boolean; now: boolean }

export async function planDelete(service: string, wanted: Deletion): Promise<string[]> {
  const query = { ...wanted, isDryRun: true }
  return (await call<DryRunView>(pathOf(API.service, { service }), { method: 'DELETE', query })).changes
}
export const beginDelete = (service: string, wanted: Deletion, key: string) =>
  call<OperationView>(pathOf(API.service, { service }), { method: 'DELETE', query: wanted, key })

export async function planDeleteArchived(service: string, endedAt: string): Promise<string[]> {
  const query = { isDryRun: true, endedAt }
  return (await call<DryRunView>(pathOf(API.archive, { service }), { method: 'DELETE', query })).changes
}
export const beginDeleteArchived = (service: string, endedAt: string, key: string) =>
  call<OperationView>(pathOf(API.archive, { service }), { method: 'DELETE', query: { endedAt }, key })

export const beginRecover = (service: string, request: RecoverRequest, key: string) =>
  call<OperationView>(pathOf(API.recover, { service }), { ...POST, body: request, key })

export const planSwitch = (service: string, request: SwitchService) => plan(API.switchService, { service }, request)
export const beginSwitch = (service: string, request: SwitchService, key: string) =>
  call<OperationView>(pathOf(API.switchService, { service }), { ...POST, body: request, key })

export const planReprotect = (service: string, request: Reprotect) => plan(API.reprotect, { service }, request)
export const beginReprotect = (service: string, request: Reprotect, key: string) =>
  call<OperationView>(pathOf(API.reprotect, { service }), { ...POST, body: request, key })

export const planFailBack = (service: string, request: FailBack) => plan(API.failBack, { service }, request)
export const beginFailBack = (service: string, request: FailBack, key: string) =>
  call<OperationView>(pathOf(API.failBack, { service }), { ...POST, body: request, key })

export const planChangeDatabase = (service: string, request: ChangeDatabase) =>
  plan(API.changeDatabase, { service }, request)
export const beginChangeDatabase = (service: string, request: ChangeDatabase, key: string) =>
  call<OperationView>(pathOf(API.changeDatabase, { service }), { ...POST, body: request, key })

export async function planScale(service: string, request: ScaleService): Promise<string[]> {
  const body = { ...request, isDryRun: true }
  const { from, to, region } = await call<ScalePlanView>(pathOf(API.scale, { service }), { ...POST, body })
  return [`From ${sizeText(from)} to ${sizeText(to)} in ${region}`, 'No request fails meanwhile']
}
export const beginScale = (service: string, request: ScaleService, key: string) =>
  call<OperationView>(pathOf(API.scale, { service }), { ...POST, body: request, key })

export async function planKey(service: string, type: KeyType): Promise<string[]> {
  const answer = await call<DryRunView>(pathOf(API.key, { service, type }), { method: 'PUT', body: { isDryRun: true } })
  return answer.changes
}
export const changeKey = (service: string, type: KeyType) =>
  call<KeyView>(pathOf(API.key, { service, type }), { method: 'PUT', body: {} })

export async function planSettings(service: string, wanted: SetSettings): Promise<string[]> {
  const body = { ...wanted, isDryRun: true }
  return (await call<DryRunView>(pathOf(API.settings, { service }), { method: 'PATCH', body })).changes
}
export const changeSettings = (service: string, wanted: SetSettings) =>
  call<ServiceSettings>(pathOf(API.settings, { service }), { method: 'PATCH', body: wanted })

export async function planRestart(service: string): Promise<string[]> {
  const query = { isDryRun: true }
  return (await call<DryRunView>(pathOf(API.restart, { service }), { ...POST, query })).changes
}
export const restart = (service: string) => call<void>(pathOf(API.restart, { service }), POST)

export const beginVerify = (service: string, against: string | undefined, key: string) =>
  call<OperationView>(pathOf(API.verifyService, { service }), {
    ...POST,
    body: against === undefined ? {} : { against },
    key,
  })

export const planRestoreService = (service: string, request: RestoreService) => plan(API.restore, { service }, request)
export const beginRestoreService = (service: string, request: RestoreService, key: string) =>
  call<OperationView>(pathOf(API.restore, { service }), { ...POST, body: request, key })

async function plan(route: string, names: Record<string, string>, request: object): Promise<string[]> {
  const answer = await call<DryRunView>(pathOf(route, names), { ...POST, body: { ...request, isDryRun: true } })
  return answer.changes
}
