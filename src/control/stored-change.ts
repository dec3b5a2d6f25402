// A change to what a service runs, scripts and what belongs to them, that is stored here and told to its home. A home
// that is lost goes by it when it is back.
import type { Transaction } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { bumpDesired } from '../regions/regions.ts'
import { untilServed } from '../services/facts-of.ts'
import { lockServices, type Service } from '../services/services.ts'
import { readyToRecord, recorded } from '../source/commits.ts'
import type { ApiDeps } from './compose.ts'

/**
 * Carries out `change` on the locked service, one after the other, and waits until its runtime goes by it. What gives null
 * changed nothing.
 */
export async function storeChange<T>(
  deps: ApiDeps,
  service: Service,
  change: (trx: Transaction<ControlDatabase>, locked: Service) => Promise<T | null>,
): Promise<{ result: T | null; isRunning: boolean }> {
  await readyToRecord(deps.source, service)
  const stored = await deps.db.transaction().execute(async (trx) => {
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${service.name}' any more`)
    const result = await recorded(deps.source, trx, locked, async () => await change(trx, locked))
    return result === null ? null : { result, desired: await bumpDesired(trx) }
  })
  if (stored === null) return { result: null, isRunning: await isRunningNow(deps, service, null) }
  await deps.field.push()
  return { result: stored.result, isRunning: await isRunningNow(deps, service, stored.desired) }
}

/** Waits until a service's runtime goes by that version; false where its home cannot be reached. */
export async function isRunningNow(
  deps: Pick<ApiDeps, 'field'>,
  service: Service,
  desired: number | null,
): Promise<boolean> {
  if (service.state !== 'ready' || !deps.field.isReachable(service.machine)) return false
  if (desired !== null) await untilServed(deps.field, service, desired)
  return true
}
