// Servers and their members as rows: who is primary, who stands by, and the two decisions that exclude each other.
import type { Kysely, Selectable } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase, Standing } from '../contract/control-schema.ts'
import type { ReleaseAnswer, ReleaseRequest } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import { randomKey } from '../kit/identifiers.ts'
import { bumpDesired, nextEpoch } from '../regions/regions.ts'

type Db = Kysely<ControlDatabase>
export type Server = Selectable<ControlDatabase['servers']>
export type Member = Selectable<ControlDatabase['server_members']>
export type ServerWithMembers = Server & { members: Member[] }

/** All servers with their members. */
export async function listServers(db: Db): Promise<ServerWithMembers[]> {
  const servers = await db.selectFrom('servers').selectAll().orderBy('name').execute()
  const members = await db.selectFrom('server_members').selectAll().orderBy('machine').execute()
  return servers.map((server) => ({ ...server, members: members.filter((member) => member.server === server.name) }))
}

/** The server of that name. Faults with `server.unknown`. */
export async function getServer(db: Db, name: string): Promise<ServerWithMembers> {
  const found = (await listServers(db)).find((server) => server.name === name)
  if (!found) throw new Fault('server.unknown', 404, `there is no server ${name}`)
  return found
}

/** Makes a new managed server whose primary is on `machine`. The name is free, the row is before the act. */
export async function insertServer(
  trx: Db,
  seal: Seal,
  wanted: { name: string; region: string; machine: string; isDefault: boolean },
): Promise<void> {
  await trx
    .insertInto('servers')
    .values({
      name: wanted.name,
      home_region: wanted.region,
      is_default: wanted.isDefault,
      epoch: await nextEpoch(trx),
      superuser_password: seal.seal(randomKey()),
      replication_password: seal.seal(randomKey()),
    })
    .execute()
  await trx
    .insertInto('server_members')
    .values({
      server: wanted.name,
      machine: wanted.machine,
      role: 'primary',
      standing: null,
      slot: null,
      fork_lsn: null,
    })
    .execute()
  await bumpDesired(trx)
}

/** Gives a server a standby on another machine. */
export async function insertStandby(trx: Db, server: string, machine: string): Promise<void> {
  const slot = `standby_${machine.replaceAll('-', '_')}`
  await trx
    .insertInto('server_members')
    .values({ server, machine, role: 'standby', standing: 'building', slot, fork_lsn: null })
    .execute()
  await bumpDesired(trx)
}

/** Moves a standby from one standing to the next; false when it is not in that standing any more. */
export async function moveStanding(
  db: Db,
  member: { server: string; machine: string },
  change: { from: Standing; to: Standing; isNewTerm: boolean },
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    // The row that promotions and releases lock, so that these exclude each other.
    await trx.selectFrom('servers').select('name').where('name', '=', member.server).forUpdate().execute()
    const done = await trx
      .updateTable('server_members')
      .set((eb) => ({
        standing: change.to,
        ...(change.isNewTerm ? { lease_term: eb('lease_term', '+', 1) } : {}),
      }))
      .where('server', '=', member.server)
      .where('machine', '=', member.machine)
      .where('role', '=', 'standby')
      .where('standing', '=', change.from)
      .executeTakeFirst()
    if (done.numUpdatedRows === 0n) return false
    // Who is ready matters to control only; a new term or an end of the lease matters to the hosts.
    if (change.isNewTerm) await bumpDesired(trx)
    return true
  })
}

/**
 * Records a silent standby as released, so that its primary may go on without proof. It locks the row that a promotion
 * locks: whichever comes first refuses the other. `machine` asks: the primary's, or the standby's before it starts anew.
 */
export async function releaseStandby(db: Db, machine: string, request: ReleaseRequest): Promise<ReleaseAnswer> {
  return await db.transaction().execute(async (trx) => {
    const server = await trx
      .selectFrom('servers')
      .select('epoch')
      .where('name', '=', request.server)
      .forUpdate()
      .executeTakeFirst()
    if (!server || Number(server.epoch) !== request.epoch) {
      return { isReleased: false, reason: `${request.server} is under epoch ${server?.epoch}` }
    }
    const asker = await trx
      .selectFrom('server_members')
      .select('role')
      .where('server', '=', request.server)
      .where('machine', '=', machine)
      .executeTakeFirst()
    if (asker?.role !== 'primary' && asker?.role !== 'standby') {
      return { isReleased: false, reason: `${machine} is no member of ${request.server}` }
    }
    const done = await trx
      .updateTable('server_members')
      .set({ standing: 'released' })
      .where('server', '=', request.server)
      .where('role', '=', 'standby')
      .where('lease_term', '=', request.term)
      .executeTakeFirst()
    if (done.numUpdatedRows === 0n)
      return { isReleased: false, reason: `the lease has another term than ${request.term}` }
    await bumpDesired(trx)
    return { isReleased: true, reason: 'the standby is not promotable until it has caught up again' }
  })
}

/**
 * The decision to promote, in the caller's transaction: the standby takes the next epoch, the old primary is quarantined
 * when it returns, and every service on the server takes a new epoch too. A server whose primary is on `machine` already
 * (another recovery was faster) is left as it is. Faults with `recovery.standby_not_ready`.
 */
export async function promoteMember(
  trx: Db,
  wanted: { server: string; machine: string; isOldPrimaryStopped: boolean },
): Promise<{ epoch: number; isNew: boolean }> {
  const server = await trx
    .selectFrom('servers')
    .selectAll()
    .where('name', '=', wanted.server)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const members = await trx.selectFrom('server_members').selectAll().where('server', '=', wanted.server).execute()
  const target = members.find((member) => member.machine === wanted.machine)
  if (target?.role === 'primary') return { epoch: Number(server.epoch), isNew: false }
  if (target?.role !== 'standby' || target.standing !== 'ready') {
    throw new Fault(
      'recovery.standby_not_ready',
      409,
      `the standby of ${wanted.server} on ${wanted.machine} cannot be promoted`,
      {
        hint: `It is ${target?.standing ?? 'gone'}; see: mainstay sql server show ${wanted.server}`,
      },
    )
  }
  const epoch = await nextEpoch(trx)
  const own = trx.updateTable('server_members').where('server', '=', wanted.server)
  await own.set({ role: 'quarantined', standing: null }).where('role', '=', 'primary').execute()
  // Another standby follows a timeline that is over; it is built anew when the server is protected again.
  await trx
    .deleteFrom('server_members')
    .where('server', '=', wanted.server)
    .where('role', '=', 'standby')
    .where('machine', '!=', wanted.machine)
    .execute()
  await own
    .set({ role: 'primary', standing: null, slot: null, is_old_primary_stopped: wanted.isOldPrimaryStopped })
    .where('machine', '=', wanted.machine)
    .execute()
  await trx.updateTable('servers').set({ epoch }).where('name', '=', wanted.server).execute()
  const services = await trx
    .selectFrom('services')
    .select('id')
    .where('server', '=', wanted.server)
    .where('ended_at', 'is', null)
    .execute()
  for (const { id } of services) {
    await trx
      .updateTable('services')
      .set({ epoch: await nextEpoch(trx) })
      .where('id', '=', id)
      .execute()
  }
  await bumpDesired(trx)
  return { epoch, isNew: true }
}

/** Where a server's primary is. */
export function primaryOf(server: ServerWithMembers): Member {
  const found = server.members.find((member) => member.role === 'primary')
  if (!found) throw new TypeError(`server ${server.name} has no primary`)
  return found
}

/** A server's standby, or null. */
export function standbyOf(server: ServerWithMembers): Member | null {
  return server.members.find((member) => member.role === 'standby') ?? null
}
