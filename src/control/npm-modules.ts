// npm modules of a service through the management API: installed from its package.json, then bound and told to its
// home.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { NpmModulesView, ScriptWrittenView } from '../contract/api.ts'
import { PACKAGE_FILE } from '../contract/npm-modules.ts'
import { installModules, listPackages, setModules } from '../services/npm-modules.ts'
import { getService, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { storeChange } from './stored-change.ts'

/** What is installed for a service. */
export async function viewModules(deps: ApiDeps, caller: Caller, name: string): Promise<NpmModulesView> {
  const { npm_modules: hash } = await getService(deps.db, caller.subscriptionId, name)
  return { hash, packages: await listPackages(deps.db, hash) }
}

/** Installs what a package.json asks for, and has the service run with it. What fails changes nothing. */
export async function uploadPackage(
  deps: ApiDeps,
  caller: Caller,
  service: Service,
  texts: { packageText: string; lockText: string | null },
): Promise<ScriptWrittenView> {
  const { hash, packages } = await installModules(deps, texts)
  const bound = await bind(deps, caller, service, { ...texts, hash, action: 'mobile script upload' })
  return { ...bound, packages }
}

/** Takes the package.json of a service out of force, and its modules with it. */
export async function deletePackage(deps: ApiDeps, caller: Caller, service: Service): Promise<ScriptWrittenView> {
  const none = { packageText: null, lockText: null, hash: null }
  return await bind(deps, caller, service, { ...none, action: 'mobile script delete' })
}

async function bind(
  deps: ApiDeps,
  caller: Caller,
  service: Service,
  { action, ...wanted }: { packageText: string | null; lockText: string | null; hash: string | null; action: string },
): Promise<ScriptWrittenView> {
  const { result, isRunning } = await storeChange(deps, service, async (trx) => {
    const done = await setModules(trx, { serviceId: service.id, principal: caller.principal, ...wanted })
    if (!done) return null
    const { before, after } = done
    await audit(trx, caller, { action, subject: `${service.name}/${PACKAGE_FILE}`, before, after })
    return done
  })
  return { name: PACKAGE_FILE, version: result?.version ?? null, isRunning }
}
