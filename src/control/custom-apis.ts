// Custom APIs of a service through the management API.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateCustomApi, CustomApiView, SetApiPermissions, StoredChangeView } from '../contract/api.ts'
import { DEFAULT_API_PERMISSIONS } from '../contract/permissions.ts'
import { Fault } from '../kit/fault.ts'
import { generalPermissions, type KeptPermissions, parseApiRoutes } from '../services/api-routes.ts'
import { getApi, insertApi, listApis, removeApi, type ServiceApi, setApiPermissions } from '../services/apis.ts'
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
      permissions: generalPermissions(api),
      hasAdditionalPermissions: api.routes !== null,
      ...(api.routes === null ? {} : { routes: api.routes }),
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
    await insertApi(trx, locked, { name: wanted.name, permissions, routes: null })
    const subject = `${service.name}/${wanted.name}`
    await audit(trx, caller, { action: 'mobile api create', subject, after: { permissions } })
    return true
  })
  return { isRunning }
}

/** Changes who may call what; what is not named stays. Faults with `api.bad_routes` and `api.has_routes`. */
export async function updateApi(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: SetApiPermissions,
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const api = await getApi(trx, locked, names.api)
    const after = changed(api, wanted)
    await setApiPermissions(trx, api, after)
    const subject = `${service.name}/${api.name}`
    await audit(trx, caller, { action: 'mobile api update', subject, before: shownOf(api), after: shownOf(after) })
    return true
  })
  return { isRunning }
}

function changed(api: ServiceApi, { routes, force, ...methods }: SetApiPermissions): KeptPermissions {
  if (routes !== undefined) {
    if (Object.keys(methods).length === 0) return parseApiRoutes(routes)
    throw new Fault('api.bad_routes', 400, 'either methods or routes are said, not both')
  }
  if (api.routes !== null && force !== true) {
    throw new Fault('api.has_routes', 409, `routes of the custom API '${api.name}' have permissions of their own`, {
      hint: 'Change its file and give it with --file; or give them up with --force.',
    })
  }
  return { permissions: { ...generalPermissions(api), ...methods }, routes: null }
}

function shownOf(kept: KeptPermissions) {
  return kept.routes === null ? kept.permissions : { routes: kept.routes }
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
