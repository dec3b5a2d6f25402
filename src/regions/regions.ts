// The regions and machines of the cloud, as rows.
import { type Kysely, type Selectable, sql } from 'kysely'
import type { MachineAddress } from '../contract/assignment.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { slugOf } from '../kit/identifiers.ts'
import type { Capacity } from './ledger.ts'
import { HOST_CAPACITY } from './offer.ts'

type Db = Kysely<ControlDatabase>
export type Region = Selectable<ControlDatabase['regions']>
export type Machine = Selectable<ControlDatabase['machines']>

/** All regions in the order in which they appeared; the first is where a service goes that names none. */
export async function listRegions(db: Db): Promise<Region[]> {
  return await db.selectFrom('regions').selectAll().orderBy('ordinal').execute()
}

/** The region of that name or slug. Faults with `region.unknown`, naming those that exist. */
export async function getRegion(db: Db, nameOrSlug: string): Promise<Region> {
  const all = await listRegions(db)
  const found = all.find((region) => region.slug === slugOf(nameOrSlug))
  if (found) return found
  const names = all.map(({ name }) => `"${name}"`).join(', ')
  throw new Fault('region.unknown', 404, `there is no region "${nameOrSlug}"`, {
    hint: all.length > 0 ? `The regions are ${names}.` : 'No host has joined yet.',
  })
}

/** Makes a region the first time that one of its hosts joins. */
export async function ensureRegion(db: Db, name: string): Promise<void> {
  await db
    .insertInto('regions')
    .values({
      slug: slugOf(name),
      name,
      reserved_units: HOST_CAPACITY.reservedUnits,
      shared_slots: HOST_CAPACITY.sharedSlots,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Locks a region's row, so that only one change of its capacity's use is decided at a time. */
export async function lockRegion(trx: Db, slug: string): Promise<Region> {
  return await trx.selectFrom('regions').selectAll().where('slug', '=', slug).forUpdate().executeTakeFirstOrThrow()
}

/** What a person set for a region, or null. */
export function setCapacityOf(region: Region): Capacity | null {
  return region.is_capacity_set ? { reservedUnits: region.reserved_units, sharedSlots: region.shared_slots } : null
}

/** Sets a region's capacity. */
export async function setCapacity(db: Db, slug: string, capacity: Capacity): Promise<void> {
  await db
    .updateTable('regions')
    .set({ reserved_units: capacity.reservedUnits, shared_slots: capacity.sharedSlots, is_capacity_set: true })
    .where('slug', '=', slug)
    .execute()
}

export async function listMachines(db: Db): Promise<Machine[]> {
  return await db.selectFrom('machines').selectAll().orderBy('name').execute()
}

/** The machine of that name, or null. */
export async function findMachine(db: Db, name: string): Promise<Machine | null> {
  return (await db.selectFrom('machines').selectAll().where('name', '=', name).executeTakeFirst()) ?? null
}

/** The machine of that name. Faults with `machine.unknown`. */
export async function getMachine(db: Db, name: string): Promise<Machine> {
  const found = await findMachine(db, name)
  if (found) return found
  throw new Fault('machine.unknown', 404, `there is no machine '${name}'`, {
    hint: 'See which there are: mainstay machine list',
  })
}

/** What a machine says of itself that is kept. */
export type MachineNews = {
  address: string
  port: number
  publicUrl: string | null
  protocol: number
  release: string | null
}

/** Notes what a machine says; `isMoved` when others must be told where its door is now. Faults with `machine.unknown`. */
export async function noteMachine(db: Db, name: string, news: MachineNews): Promise<{ isMoved: boolean }> {
  const known = await findMachine(db, name)
  if (!known) throw new Fault('machine.unknown', 403, `no machine ${name} has joined here`)
  const { address, port, publicUrl, protocol, release } = news
  const isMoved = known.address !== address || known.port !== port || known.public_url !== publicUrl
  if (!isMoved && known.protocol === protocol && known.release === release) return { isMoved }
  await db
    .updateTable('machines')
    .set({ address, port, public_url: publicUrl, protocol, release })
    .where('name', '=', name)
    .execute()
  return { isMoved }
}

/** Marks a machine as ours no more, in the transaction that changes what follows from it. False when it was already. */
export async function markRevoked(trx: Db, name: string): Promise<boolean> {
  const done = await trx
    .updateTable('machines')
    .set({ revoked_at: new Date() })
    .where('name', '=', name)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return done.numUpdatedRows > 0n
}

/** A machine's address for an assignment; null before it ever reported. */
export function addressOf(machine: Machine | undefined): MachineAddress | null {
  if (!machine?.address || !machine.port) return null
  return { machine: machine.name, region: machine.domain, address: machine.address, port: machine.port }
}

/** Takes the next version of all that control wants, in the transaction that changes it. Returns that version. */
export async function bumpDesired(trx: Db): Promise<number> {
  const found = await trx
    .updateTable('desired')
    .set({ version: sql`version + 1` })
    .returning('version')
    .executeTakeFirstOrThrow()
  return Number(found.version)
}

/** Takes the next epoch: greater than every one before, for whatever it is used. */
export async function nextEpoch(trx: Db): Promise<number> {
  const found = await sql<{ epoch: string }>`select nextval('epochs')::text as epoch`.execute(trx)
  return Number(found.rows[0]?.epoch)
}

/** The last epoch that was taken. */
export async function lastEpoch(db: Db): Promise<number> {
  const found = await sql<{ epoch: string }>`select last_value::text as epoch from epochs`.execute(db)
  return Number(found.rows[0]?.epoch)
}

/** Makes sure that no epoch up to `floor` is ever taken; never goes down. Returns the last one that counts as taken. */
export async function raiseEpochs(db: Db, floor: number): Promise<number> {
  return await db.transaction().execute(async (trx) => {
    // Changing nothing, but nobody takes an epoch between the look and the raise: a sequence has no other lock.
    await sql`alter sequence epochs increment by 1`.execute(trx)
    const last = await lastEpoch(trx)
    if (last >= floor) return last
    await sql`select setval('epochs', ${floor}::bigint)`.execute(trx)
    return floor
  })
}

/** Makes sure that the version of all that control wants is above `floor`; never goes down. */
export async function raiseDesired(db: Db, floor: number): Promise<void> {
  await db
    .updateTable('desired')
    .set({ version: String(floor + 1) })
    .where('version', '<=', String(floor))
    .execute()
}
