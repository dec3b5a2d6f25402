// Setting what a region may hold at most: never less than what is promised there already.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { Field } from '../regions/field.ts'
import { type Capacity, requireNotBelowUse } from '../regions/ledger.ts'
import { bumpDesired, listMachines, lockRegion, setCapacity, setCapacityOf } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { listHoldings } from '../services/services.ts'

type Deps = { db: Kysely<ControlDatabase>; field: Pick<Field, 'isReachable' | 'offerOf'> }
type Wanted = { [Key in keyof Capacity]?: Capacity[Key] | undefined }

/** Sets it; what is not named stays as it was. Faults with `capacity.in_use`. */
export async function setRegion({ db, field }: Deps, caller: Caller, slug: string, wanted: Wanted): Promise<void> {
  await db.transaction().execute(async (trx) => {
    // Locked, so that no service takes at the same moment what is taken away here.
    const locked = await lockRegion(trx, slug)
    requireNotBelowUse(locked, await listHoldings(trx), wanted)
    const { total } = roomOf(locked, await listMachines(trx), field).offer
    const before = setCapacityOf(locked) ?? total
    const after = {
      reservedUnits: wanted.reservedUnits ?? before.reservedUnits,
      sharedSlots: wanted.sharedSlots ?? before.sharedSlots,
    }
    await setCapacity(trx, locked.slug, after)
    await audit(trx, caller, { action: 'region set', subject: locked.name, before, after })
    await bumpDesired(trx)
  })
}
