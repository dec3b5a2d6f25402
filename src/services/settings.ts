// What a person changes about a service that stays where it is: its keys, and a restart.
import type { Updateable } from 'kysely'
import type { Caller } from '../accounts/accounts.ts'
import { audit } from '../accounts/audit.ts'
import type { KeyType, KeyView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomKey } from '../kit/identifiers.ts'
import { bumpDesired } from '../regions/regions.ts'
import type { ServiceDeps } from './create-service.ts'
import { untilServed } from './facts-of.ts'
import { requireReachable } from './place.ts'
import { getService, lockServices, requireIdle, type Service } from './services.ts'

// What a header carries without quoting, long enough not to be guessed.
const KEY = /^[A-Za-z0-9_-]{16,128}$/

/** Sets a key, or makes a new one, and waits until it opens the service. The old one is worth nothing from then on. */
export async function changeKey(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: { type: KeyType; value?: string | undefined },
): Promise<KeyView> {
  const { type, value = randomKey() } = wanted
  if (!KEY.test(value)) {
    throw new Fault('service.bad_key', 400, 'this cannot be a key', {
      hint: 'Use 16 to 128 letters, digits, hyphens and underscores, or let one be made: mainstay mobile key regenerate',
    })
  }
  const column = type === 'application' ? 'application_key' : 'master_key'
  const sealed = deps.seal.seal(value)
  await change(deps, caller, name, { action: `mobile key ${type}`, set: () => ({ [column]: sealed }) })
  return { type, value }
}

/** Ends what a service keeps open and starts it afresh, and waits until it serves again. */
export async function restartService(deps: ServiceDeps, caller: Caller, name: string): Promise<void> {
  const set = (service: Service) => ({ restarts: service.restarts + 1 })
  await change(deps, caller, name, { action: 'mobile restart', set })
}

async function change(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: { action: string; set: (service: Service) => Updateable<ControlDatabase['services']> },
): Promise<void> {
  const { db, field } = deps
  const named = await getService(db, caller.subscriptionId, name)
  await field.settle()
  requireReachable(field, named.machine, `'${named.name}'`)
  const { service, version } = await db.transaction().execute(async (trx) => {
    const [locked] = await lockServices(trx, [named.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${name}' any more`)
    requireIdle(locked)
    await trx.updateTable('services').set(wanted.set(locked)).where('id', '=', locked.id).execute()
    await audit(trx, caller, { action: wanted.action, subject: locked.name })
    return { service: locked, version: await bumpDesired(trx) }
  })
  await field.push()
  await untilServed(field, service, version)
}
