// Scripts of a service through the management API: written here, told to its home, and compared with what runs there.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { RunningScriptsView, ScriptWrittenView, UploadScript } from '../contract/api.ts'
import { MODULE_NAME } from '../contract/assignment.ts'
import { PACKAGE_FILE } from '../contract/npm-modules.ts'
import { Fault } from '../kit/fault.ts'
import { MODULES_BYTES_MAX } from '../kit/limits.ts'
import { requireReachable } from '../regions/hosts.ts'
import { getApi } from '../services/apis.ts'
import { getJob } from '../services/jobs.ts'
import {
  checkScriptText,
  listCurrentScripts,
  parseScriptName,
  readScript,
  type ScriptName,
  writeScript,
} from '../services/scripts.ts'
import { getService, getTable, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { deletePackage, uploadPackage } from './npm-modules.ts'
import { runtimeTarget } from './service-runtime.ts'
import { storeChange } from './stored-change.ts'

type Names = { service: string; script: string }

/** Writes the next version of a script and has it run. A home that is lost runs it when it is back. */
export async function uploadScript(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  { text, lock }: UploadScript,
): Promise<ScriptWrittenView> {
  const parsed = parseScriptName(names.script)
  if (parsed.kind === 'package') {
    requirePackage(parsed.name)
    const service = await getService(deps.db, caller.subscriptionId, names.service)
    return await uploadPackage(deps, caller, service, { packageText: text, lockText: lock ?? null })
  }
  checkScriptText(parsed.name, text)
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const name = await definedName(deps, service, parsed)
  await requireRoom(deps, service, { name, bytes: Buffer.byteLength(text) })
  return await write(deps, caller, service, { name, text })
}

// Each sandbox of the service is given all of its modules.
async function requireRoom({ db }: ApiDeps, service: Service, added: { name: string; bytes: number }): Promise<void> {
  const isModule = ({ name }: { name: string }) => MODULE_NAME.test(name)
  if (!isModule(added)) return
  const others = (await listCurrentScripts(db, [service.id])).filter((one) => isModule(one) && one.name !== added.name)
  const bytes = others.reduce((sum, one) => sum + one.bytes, added.bytes)
  if (bytes <= MODULES_BYTES_MAX) return
  throw new Fault('script.too_large', 413, `the modules of '${service.name}' would have ${bytes} bytes together`, {
    hint: `${MODULES_BYTES_MAX} are the most for custom APIs and shared modules of a service.`,
  })
}

// In the case of what it belongs to, which must be there.
async function definedName({ db }: ApiDeps, service: Service, parsed: ScriptName): Promise<string> {
  switch (parsed.kind) {
    case 'table':
      return `table/${(await getTable(db, service, parsed.table)).name}.${parsed.operation}`
    case 'api':
      return `api/${(await getApi(db, service, parsed.api)).name}`
    case 'scheduler':
      return `scheduler/${(await getJob(db, service, parsed.job)).name}`
    case 'extensions':
    case 'shared':
    case 'package':
      return parsed.name
  }
}

// They are one: what one says without the other may not be what was installed.
function requirePackage(name: string): void {
  if (name === PACKAGE_FILE) return
  throw new Fault('npm.bad_package', 400, `${name} goes with ${PACKAGE_FILE}, and not by itself`, {
    hint: `Upload or delete ${PACKAGE_FILE}: a ${name} beside it comes along.`,
  })
}

/** Takes a script out of force; its versions are kept. Faults with `script.unknown`. */
export async function deleteScript(deps: ApiDeps, caller: Caller, names: Names): Promise<ScriptWrittenView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const parsed = parseScriptName(names.script)
  if (parsed.kind === 'package') requirePackage(parsed.name)
  const { name } = await readScript(deps.db, service, parsed.name)
  if (parsed.kind === 'package') return await deletePackage(deps, caller, service)
  return await write(deps, caller, service, { name, text: null })
}

/** What the service's runtime has on its disk and would run, beside what is in force here. */
export async function viewRunning(deps: ApiDeps, caller: Caller, name: string): Promise<RunningScriptsView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await deps.field.settle()
  requireReachable(deps.field, service.machine, `'${service.name}'`)
  const answer = await deps.field.probeRuntime(runtimeTarget(deps, service))
  const wanted = await listCurrentScripts(deps.db, [service.id])
  return {
    machine: service.machine,
    running: answer.scripts ?? [],
    inForce: wanted.map((script) => ({ name: script.name, hash: script.hash })),
  }
}

async function write(
  deps: ApiDeps,
  caller: Caller,
  service: Service,
  wanted: { name: string; text: string | null },
): Promise<ScriptWrittenView> {
  const { name, text } = wanted
  const { result, isRunning } = await storeChange(deps, service, async (trx) => {
    const done = await writeScript(trx, { serviceId: service.id, name, text, principal: caller.principal })
    if (!done) return null
    const action = text === null ? 'mobile script delete' : 'mobile script upload'
    const { before, after } = done
    await audit(trx, caller, { action, subject: `${service.name}/${name}`, before, after })
    return done
  })
  return { name, version: result?.version ?? null, isRunning }
}
