// Custom APIs of a service through the management API.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateCustomApi, CustomApiView, SetApiPermissions, StoredChangeView } from '../contract/api.ts'
import { DEFAULT_API_PERMISSIONS } from '../contract/permissions.ts'
import { getApi, insertApi, listApis, removeApi, setApiPermissions } from '../services/apis.ts'
import { requireApiName } from '../services/names.ts'
import { endScript, listCurrentScripts } from '../services/scripts.ts'
import { getService } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { storeChange } from './stored-change.ts'

type Names = { service: string; api: string }

/** One API or all. Faults with `api.unknown`. */
export async function viewApis(deps: ApiDeps, caller: Caller, name: string, only?: string): Promise<CustomApiView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const apis = only === undefined ? await listApis(deps.db, [service.id]) : [await getApi(deps.db, service, only)]
  const scripts = await listCurrentScripts(deps.db, [service.id])
  return apis.map((api) => {
    const script = scripts.find((one) => one.name.toLowerCase() === `api/${api.name}`.toLowerCase())
    return {
      name: api.name,
      permissions: api.permissions,
      script: script ? { version: script.version, bytes: script.bytes } : null,
      createdAt: api.created_at.toISOString(),
    }
  })
}

/** Defines an API; it answers 500 until its script is there. */
export async function createApi(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  wanted: CreateCustomApi,
): Promise<StoredChangeView> {
  requireApiName(wanted.name)
  const permissions = { ...DEFAULT_API_PERMISSIONS, ...wanted.permissions }
  const service = await getService(deps.db, caller.subscriptionId, name)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    await insertApi(trx, locked, { name: wanted.name, permissions })
    const subject = `${service.name}/${wanted.name}`
    await audit(trx, caller, { action: 'mobile api create', subject, after: { permissions } })
    return true
  })
  return { isRunning }
}

/** Changes who may call what; what is not named stays. */
export async function updateApi(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: SetApiPermissions,
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const api = await getApi(trx, locked, names.api)
    const after = { ...api.permissions, ...wanted }
    await setApiPermissions(trx, api, after)
    const subject = `${service.name}/${api.name}`
    await audit(trx, caller, { action: 'mobile api update', subject, before: api.permissions, after })
    return true
  })
  return { isRunning }
}

/** Removes an API and takes its script out of force; the versions of that are kept. */
export async function deleteApi(deps: ApiDeps, caller: Caller, names: Names): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const api = await getApi(trx, locked, names.api)
    await removeApi(trx, api)
    await endScript(trx, service.id, `api/${api.name}`, caller.principal)
    await audit(trx, caller, { action: 'mobile api delete', subject: `${service.name}/${api.name}` })
    return true
  })
  return { isRunning }
}
