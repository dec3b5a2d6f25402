// Servers and their members as rows: who is primary, who stands by, and the two decisions that exclude each other.
import type { Kysely, Selectable, Updateable } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { Protection, SyncPolicy } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ReleaseAnswer, ReleaseRequest } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { randomKey } from '../kit/identifiers.ts'
import { bumpDesired, nextEpoch } from '../regions/regions.ts'
import { decideMove, decidePromotion, decideRelease, decideSwap } from './membership.ts'
import { dropCopies } from './server-drops.ts'
import type { StandingChange } from './standing.ts'

type Db = Kysely<ControlDatabase>
export type Server = Selectable<ControlDatabase['servers']>
export type Member = Selectable<ControlDatabase['server_members']>
export type ServerWithMembers = Server & { members: Member[] }

/** All servers that did not end, with their members. */
export async function listServers(db: Db): Promise<ServerWithMembers[]> {
  const servers = await db.selectFrom('servers').selectAll().where('ended_at', 'is', null).orderBy('name').execute()
  const members = await db.selectFrom('server_members').selectAll().orderBy('machine').execute()
  return servers.map((server) => ({ ...server, members: members.filter((member) => member.server === server.name) }))
}

/** The server of that name. Faults with `server.unknown`. */
export async function getServer(db: Db, name: string): Promise<ServerWithMembers> {
  const found = (await listServers(db)).find((server) => server.name === name)
  if (found) return found
  throw new Fault('server.unknown', 404, `there is no server '${name}'`, {
    hint: 'See which there are: mainstay sql server list',
  })
}

/** Faults with `server.external` where a server is its owner's to look after. `what`: what cannot be done, in words. */
export function requireManaged({ name, kind }: Pick<Server, 'name' | 'kind'>, what: string): void {
  if (kind === 'managed') return
  throw new Fault('server.external', 409, `${name} is an external server: ${what} is its owner's business`, {
    hint: `What can be seen of it: mainstay sql server show ${name}`,
  })
}

/** Locks a server's row until the transaction ends: what is decided about it is decided one after the other. */
export async function lockServerRow(trx: Db, name: string): Promise<void> {
  await trx.selectFrom('servers').select('name').where('name', '=', name).forUpdate().execute()
}

/** The server, its row locked until the transaction ends. Faults with `server.unknown`, or `server.busy`. */
export async function lockIdleServer(trx: Db, name: string): Promise<ServerWithMembers> {
  await lockServerRow(trx, name)
  const server = await getServer(trx, name)
  if (server.operation_id === null) return server
  throw new Fault('server.busy', 409, `${name} is in another operation (${server.operation_id})`, {
    hint: `Watch it: mainstay operation watch ${server.operation_id}`,
  })
}

/** True while an operation holds the server that it is about. */
export async function isServerHeld(trx: Db, operation: { id: string; server: string | null }): Promise<boolean> {
  const found = await trx.selectFrom('servers').select('operation_id').where('name', '=', operation.server).execute()
  return found[0]?.operation_id === operation.id
}

/** Changes the server that an operation is about, if that operation still holds it; otherwise nothing. */
export async function updateHeldServer(
  trx: Db,
  operation: { id: string; server: string | null },
  change: Updateable<ControlDatabase['servers']>,
): Promise<void> {
  await trx
    .updateTable('servers')
    .set(change)
    .where('name', '=', operation.server)
    .where('operation_id', '=', operation.id)
    .execute()
}

/** A server that is to be made: its slug of a region, its machine, and how it is to be protected. */
export type NewServer = {
  name: string
  region: string
  machine: string
  isDefault: boolean
  protection: Protection
  syncPolicy?: SyncPolicy | undefined
}

/** Makes a new managed server whose primary is on `machine`. The name is free, the row is before the act. */
export async function insertServer(trx: Db, seal: Seal, wanted: NewServer): Promise<void> {
  const row = {
    home_region: wanted.region,
    is_default: wanted.isDefault,
    protection: wanted.protection,
    sync_policy: wanted.syncPolicy ?? 'degrade',
    epoch: await nextEpoch(trx),
    superuser_password: seal.seal(randomKey()),
    replication_password: seal.seal(randomKey()),
  }
  // One of that name may have ended: its row is what ended services refer to.
  const fresh = { is_initialized: false, made_for: null, operation_id: null, ended_at: null, kind: 'managed' as const }
  const none = { endpoint: null, restored_from: null, restore_target: null, backups_removed_at: null }
  const anew = { ...row, ...fresh, ...none }
  await trx
    .insertInto('servers')
    .values({ name: wanted.name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(anew))
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

/** Gives a server a standby on another machine. Its lease has a term that no standby before it had. */
export async function insertStandby(trx: Db, server: string, machine: string): Promise<void> {
  const slot = slotOf(machine)
  const { lease_term } = await trx
    .selectFrom('servers')
    .select('lease_term')
    .where('name', '=', server)
    .executeTakeFirstOrThrow()
  await trx
    .insertInto('server_members')
    .values({ server, machine, role: 'standby', standing: 'building', slot, fork_lsn: null, lease_term })
    .execute()
  await bumpDesired(trx)
}

/** Has a standby built in the place of a quarantined copy; `isKept`: that one's data is set aside, not dropped. */
export async function takePlaceOf(
  trx: Db,
  wanted: { server: string; machine: string; epoch: number; isKept: boolean },
): Promise<void> {
  const { members } = await lockServer(trx, wanted.server)
  const term = Math.max(...members.map((member) => member.lease_term)) + 1
  const replaced = { replaces_epoch: wanted.epoch, is_replaced_kept: wanted.isKept }
  const fresh = { slot: slotOf(wanted.machine), fork_lsn: null, rejoin_epoch: null, rejoin_lsn: null, lease_term: term }
  await ownMember(trx, wanted.server, wanted.machine)
    .set({ role: 'standby', standing: 'building', ...fresh, ...replaced })
    .where('role', '=', 'quarantined')
    .execute()
  await bumpDesired(trx)
}

/** Takes a server's standby away, and has its copy dropped. It must have been released before. */
export async function removeStandby(trx: Db, server: string, machine: string): Promise<void> {
  const removed = await trx
    .deleteFrom('server_members')
    .where('server', '=', server)
    .where('machine', '=', machine)
    .where('role', '=', 'standby')
    .returning('lease_term')
    .executeTakeFirst()
  if (!removed) return
  const term = removed.lease_term + 1
  await trx.updateTable('servers').set({ lease_term: term }).where('name', '=', server).execute()
  await dropCopies(trx, server, [machine])
}

/** Ends a server: its row stays for what refers to it, its copies are dropped. Returns the version that says so. */
export async function endServer(trx: Db, server: string): Promise<number> {
  const gone = await trx.deleteFrom('server_members').where('server', '=', server).returning('machine').execute()
  await trx
    .updateTable('servers')
    .set({ ended_at: new Date(), is_default: false, operation_id: null })
    .where('name', '=', server)
    .execute()
  return await dropCopies(
    trx,
    server,
    gone.map(({ machine }) => machine),
  )
}

/** Moves a standby from one standing to the next; false when it is not in that standing any more. */
export async function moveStanding(
  db: Db,
  member: { server: string; machine: string },
  change: StandingChange,
): Promise<boolean> {
  const isMoved = await db.transaction().execute(async (trx) => {
    const { members } = await lockServer(trx, member.server)
    const moved = decideMove(
      members.find((one) => one.machine === member.machine),
      change,
    )
    if (!moved) return false
    const waited = change.to === 'released' ? { is_synchronous: false } : {}
    await ownMember(trx, member.server, member.machine)
      .set({ ...moved, ...waited })
      .execute()
    // Who is ready matters to control only; a new term or an end of the lease matters to the hosts.
    if (change.isNewTerm) await bumpDesired(trx)
    return true
  })
  if (isMoved) faultPoint(`standby.${change.to}`)
  return isMoved
}

/**
 * Records a silent standby as released, so that its primary may go on without proof. It locks the row that a promotion
 * locks: whichever comes first refuses the other. `machine` asks: the primary's, or the standby's before it starts anew.
 */
export async function releaseStandby(db: Db, machine: string, request: ReleaseRequest): Promise<ReleaseAnswer> {
  const answer = await db.transaction().execute(async (trx) => {
    const decision = decideRelease(await lockServer(trx, request.server), machine, request)
    if (decision.kind === 'refuse') return { isReleased: false, reason: decision.reason }
    await ownMember(trx, request.server, decision.machine)
      .set({ standing: 'released', is_synchronous: false })
      .execute()
    await bumpDesired(trx)
    return { isReleased: true, reason: 'the standby is not promotable until it has caught up again' }
  })
  if (answer.isReleased) faultPoint('standby.released')
  return answer
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
  const { epoch: before, members } = await lockServer(trx, wanted.server)
  if (before === null) throw new TypeError(`no server ${wanted.server}`)
  const decision = decidePromotion(wanted.server, members, wanted.machine)
  if (decision.kind === 'done') return { epoch: before, isNew: false }
  const epoch = await nextEpoch(trx)
  for (const machine of decision.quarantined) {
    // Where it was left is known once its successor runs.
    await ownMember(trx, wanted.server, machine).set({ role: 'quarantined', standing: null, fork_lsn: null }).execute()
  }
  for (const machine of decision.removed) {
    await trx.deleteFrom('server_members').where('server', '=', wanted.server).where('machine', '=', machine).execute()
  }
  await ownMember(trx, wanted.server, wanted.machine)
    .set({
      ...{ role: 'primary', standing: null, slot: null, is_synchronous: false },
      is_old_primary_stopped: wanted.isOldPrimaryStopped,
    })
    .execute()
  // A planned move that was under way is over with this.
  const ended = { switching_to: null, is_stopping: false }
  await trx
    .updateTable('servers')
    .set({ epoch, ...ended })
    .where('name', '=', wanted.server)
    .execute()
  await raiseServices(trx, wanted.server)
  await bumpDesired(trx)
  return { epoch, isNew: true }
}

/** Notes where a promoted primary left the timeline of the one before, which is told to that one when it comes back. */
export async function noteFork(db: Db, found: { server: string; machine: string; forkLsn: string }): Promise<void> {
  const { server, machine, forkLsn } = found
  await db.transaction().execute(async (trx) => {
    await ownMember(trx, server, machine).set({ fork_lsn: forkLsn }).execute()
    const left = trx.updateTable('server_members').set({ fork_lsn: forkLsn }).where('server', '=', server)
    const told = await left.where('role', '=', 'quarantined').where('fork_lsn', 'is', null).executeTakeFirst()
    if (told.numUpdatedRows > 0n) await bumpDesired(trx)
  })
}

// Every service on a server whose primary changed takes a new epoch: the old logins are over.
async function raiseServices(trx: Db, server: string): Promise<void> {
  const bound = trx.selectFrom('services').select('id').where('server', '=', server).where('ended_at', 'is', null)
  for (const { id } of await bound.execute()) {
    await trx
      .updateTable('services')
      .set({ epoch: await nextEpoch(trx) })
      .where('id', '=', id)
      .execute()
  }
}

/**
 * The decision of a planned move, in the caller's transaction: the old primary was stopped cleanly where its WAL ends,
 * and the standby has all of it. They change roles under the next epoch; so does every service on the server. A move
 * that was decided already is left as it is. Faults with `switchover.standby_not_ready`.
 */
export async function swapMembers(
  trx: Db,
  wanted: { server: string; from: string; to: string; shutdownLsn: string },
): Promise<{ epoch: number }> {
  const { epoch: before, members } = await lockServer(trx, wanted.server)
  if (before === null) throw new TypeError(`no server ${wanted.server}`)
  const decision = decideSwap(wanted.server, members, wanted)
  if (decision.kind === 'done') return { epoch: before }
  const epoch = await nextEpoch(trx)
  const slot = slotOf(wanted.from)
  const rejoin = { rejoin_epoch: before, rejoin_lsn: wanted.shutdownLsn, lease_term: decision.term, slot }
  await ownMember(trx, wanted.server, wanted.from)
    .set({ role: 'standby', standing: 'building', is_old_primary_stopped: false, fork_lsn: null, ...rejoin })
    .execute()
  await ownMember(trx, wanted.server, wanted.to)
    .set({ role: 'primary', standing: null, slot: null, is_synchronous: false, is_old_primary_stopped: true })
    .execute()
  await trx.updateTable('servers').set({ epoch, is_stopping: false }).where('name', '=', wanted.server).execute()
  await raiseServices(trx, wanted.server)
  await bumpDesired(trx)
  return { epoch }
}

// As PostgreSQL lets a slot be called.
function slotOf(machine: string): string {
  return `standby_${machine.replaceAll('-', '_')}`
}

// The row that moves, releases and promotions lock, so that these exclude each other.
async function lockServer(
  trx: Db,
  name: string,
): Promise<{ epoch: number | null; isBlocking: boolean; members: Member[] }> {
  const row = await trx
    .selectFrom('servers')
    .select(['epoch', 'protection', 'sync_policy'])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
  const members = await trx.selectFrom('server_members').selectAll().where('server', '=', name).execute()
  const isBlocking = row?.protection === 'sync' && row.sync_policy === 'block'
  return { epoch: row ? Number(row.epoch) : null, isBlocking, members }
}

function ownMember(trx: Db, server: string, machine: string) {
  return trx.updateTable('server_members').where('server', '=', server).where('machine', '=', machine)
}

/**
 * True for a region's own default server (`region` is its slug), wherever its primary is now. One that was promoted into
 * another region is a guest there, without a standby: new services go to what the region has of its own.
 */
export function isDefaultOf(region: string, server: Pick<ServerWithMembers, 'is_default' | 'home_region'>): boolean {
  return server.is_default && server.home_region === region
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

/** True where a standby in another region is part of what was asked for. */
export function wantsStandby({ protection }: Pick<Server, 'protection'>): boolean {
  return protection === 'async' || protection === 'sync'
}
