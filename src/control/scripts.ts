// Scripts of a service through the management API: written here, told to its home, and compared with what runs there.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { RunningScriptsView, ScriptWrittenView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { runtimeOf } from '../regions/field.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import { untilServed } from '../services/facts-of.ts'
import { checkScriptText, listCurrentScripts, parseScriptName, readScript, writeScript } from '../services/scripts.ts'
import { getService, getTable, lockServices, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

type Names = { service: string; script: string }

/** Writes the next version of a script and has it run. A home that is lost runs it when it is back. */
export async function uploadScript(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  text: string,
): Promise<ScriptWrittenView> {
  const { table, operation } = parseScriptName(names.script)
  checkScriptText(names.script, text)
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const definition = await getTable(deps.db, service, table)
  return await write(deps, caller, service, { name: `table/${definition.name}.${operation}`, text })
}

/** Takes a script out of force; its versions are kept. Faults with `script.unknown`. */
export async function deleteScript(deps: ApiDeps, caller: Caller, names: Names): Promise<ScriptWrittenView> {
  const { table, operation } = parseScriptName(names.script)
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { name } = await readScript(deps.db, service, `table/${table}.${operation}`)
  return await write(deps, caller, service, { name, text: null })
}

/** What the service's runtime has on its disk and would run, beside what is in force here. */
export async function viewRunning(deps: ApiDeps, caller: Caller, name: string): Promise<RunningScriptsView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await deps.field.settle()
  requireReachable(deps.field, service.machine, `'${service.name}'`)
  const answer = await deps.field.probeRuntime({
    service: service.name,
    masterKey: deps.views.open(service.master_key),
    epoch: Number(service.epoch),
    machine: service.machine,
    runtime: runtimeOf(service),
  })
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
  const written = await deps.db.transaction().execute(async (trx) => {
    // One after the other, so that versions count up without a gap.
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${service.name}' any more`)
    const done = await writeScript(trx, { serviceId: service.id, name, text, principal: caller.principal })
    if (!done) return null
    const action = text === null ? 'mobile script delete' : 'mobile script upload'
    const { before, after } = done
    await audit(trx, caller, { action, subject: `${service.name}/${name}`, before, after })
    return { ...done, desired: await bumpDesired(trx) }
  })
  if (!written) return { name, version: null, isRunning: await isRunningNow(deps, service, null) }
  await deps.field.push()
  return { name, version: written.version, isRunning: await isRunningNow(deps, service, written.desired) }
}

async function isRunningNow(deps: ApiDeps, service: Service, desired: number | null): Promise<boolean> {
  if (service.state !== 'ready' || !deps.field.isReachable(service.machine)) return false
  if (desired !== null) await untilServed(deps.field, service, desired)
  return true
}
