// Keeps servers as they should be without anyone asking: a default server in each region, a standby for each, its lease
// armed when it has caught up, and the bookkeeping that follows from facts.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { noteDivergences } from '../databases/divergences.ts'
import { chooseAttendant, moveAttendant } from '../databases/external-servers.ts'
import { dropOldSchemas, noteDroppedSchemas } from '../databases/former-schemas.ts'
import { replaceStandby } from '../databases/revoked-members.ts'
import { noteDroppedCopies } from '../databases/server-drops.ts'
import { freeServerName } from '../databases/server-names.ts'
import { choosePrimaryHost } from '../databases/server-place.ts'
import {
  insertServer,
  isDefaultOf,
  listServers,
  moveStanding,
  primaryOf,
  type ServerWithMembers,
  standbyOf,
  wantsStandby,
} from '../databases/servers.ts'
import { findStandbyHost, supplyStandby } from '../databases/standby-supply.ts'
import { isFollowing, nextStanding } from '../databases/standing.ts'
import { HEARTBEAT_SILENT_MS } from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Field } from '../regions/field.ts'
import { type Hosts, hostsAmong } from '../regions/hosts.ts'
import { bumpDesired, type Region } from '../regions/regions.ts'
import { dropDueServices } from '../services/due-drops.ts'
import { forgetDroppedTables } from '../services/services.ts'
import { findChores } from './chores.ts'
import type { FleetWatch, WatchedFleet } from './fleet-watch.ts'

export type StewardDeps = {
  db: Kysely<ControlDatabase>
  fleet: FleetWatch
  seal: Seal
  board: FactBoard
  field: Field
  /** Since when each server's standby does not follow although both hosts are heard; kept by the caller. */
  brokenSince: Map<string, number>
}

/** Does what is due now; true when machines must be told. */
export async function tendServers(deps: StewardDeps): Promise<boolean> {
  const before = await deps.fleet.read()
  let isChanged = await ensureDefaultServers(deps, before)
  const fleet = isChanged ? await deps.fleet.read() : before
  const hosts = hostsAmong(fleet.machines, deps.field)
  for (const server of fleet.servers) {
    if (server.kind === 'external') {
      if (await ensureAttendant(deps, server, { regions: fleet.regions, hosts })) isChanged = true
      continue
    }
    if (await ensureStandby(deps, server)) isChanged = true
    if (await moveRevokedStandby(deps, server, hosts)) isChanged = true
    if (await tendStanding(deps, server)) isChanged = true
    await noteSynchronous(deps, server)
    await noteInitialized(deps, server)
  }
  if (await tidyUp(deps)) isChanged = true
  await noteDivergences(
    deps.db,
    deps.board.hosts().map(({ facts }) => facts),
  )
  return isChanged
}

// What services and servers leave behind where they were.
async function tidyUp(deps: StewardDeps): Promise<boolean> {
  const chores = await findChores(deps.db)
  let isChanged = chores.dueServices && (await dropDueServices(deps.db))
  if (chores.endedServices && (await noteDropped(deps))) isChanged = true
  if (chores.formerSchemas) {
    if (await dropOldSchemas(deps.db)) isChanged = true
    const heard = (machine: string) =>
      deps.board.hostSilentMs(machine) < HEARTBEAT_SILENT_MS ? deps.board.host(machine) : null
    if (await noteDroppedSchemas(deps.db, heard)) isChanged = true
  }
  if (chores.copies) await noteDroppedCopies(deps.db, deps.board)
  if (chores.tables) await noteDroppedTables(deps)
  return isChanged
}

async function ensureDefaultServers(deps: StewardDeps, fleet: WatchedFleet): Promise<boolean> {
  const { servers, regions, machines } = fleet
  const { hosts, reporting } = hostsAmong(machines, deps.field)
  let isChanged = false
  for (const region of regions) {
    const local = new Set(hosts.filter((host) => host.domain === region.name).map((host) => host.name))
    if (servers.some((server) => isDefaultOf(region.slug, server) && local.has(primaryOf(server).machine))) continue
    const machine = choosePrimaryHost(region.name, { reporting, servers })
    if (machine === null) continue
    await deps.db.transaction().execute(async (trx) => {
      // The region's first server may have moved away in a recovery; what it left here is quarantined under its name.
      const name = await freeServerName(trx, `sql-${region.slug}`)
      const wanted = { name, region: region.slug, machine, isDefault: true, protection: 'async' as const }
      await insertServer(trx, deps.seal, wanted)
    })
    isChanged = true
  }
  return isChanged
}

// It lives on when the host that looks after it is lost: another one takes over, and gives it back.
async function ensureAttendant(
  deps: StewardDeps,
  server: ServerWithMembers,
  { regions, hosts }: { regions: Region[]; hosts: Hosts },
): Promise<boolean> {
  const region = regions.find(({ slug }) => slug === server.home_region)?.name ?? ''
  const machine = chooseAttendant(server, { region, reporting: hosts.reporting })
  return machine !== null && (await moveAttendant(deps.db, server.name, machine))
}

// A server that was promoted away is protected again by its operator, not by us: a new standby would take the place of
// what is still to be exported. Only one that never moved gets its standby by itself.
async function ensureStandby(deps: StewardDeps, server: ServerWithMembers): Promise<boolean> {
  const isFree = server.members.length === 1 && server.is_initialized && server.operation_id === null
  return isFree && wantsStandby(server) && (await supplyStandby(deps.db, server.name, { field: deps.field }))
}

// The machine of a standby was revoked: another one of another region takes its place, once there is one.
async function moveRevokedStandby(deps: StewardDeps, server: ServerWithMembers, hosts: Hosts): Promise<boolean> {
  const from = standbyOf(server)?.machine
  if (from === undefined || hosts.hosts.some(({ name }) => name === from)) return false
  const to = await findStandbyHost(deps.db, server, { hosts })
  return to !== null && (await replaceStandby(deps.db, server.name, { from, to }))
}

async function tendStanding(deps: StewardDeps, server: ServerWithMembers): Promise<boolean> {
  const standby = standbyOf(server)
  // Nothing of it changes while it is given up, or takes over.
  if (!standby?.standing || standby.is_leaving || server.switching_to !== null) return false
  const primary = factsOf(deps.board, server, primaryOf(server).machine)
  const copy = factsOf(deps.board, server, standby.machine)
  const brokenMs = noteBroken(
    deps.brokenSince,
    server.name,
    primary !== null && copy !== null && !isFollowing(primary, copy),
  )
  const change = nextStanding({
    standing: standby.standing,
    term: standby.lease_term,
    brokenMs,
    primary,
    standby: copy,
    sync: server.protection === 'sync' ? { mayDegrade: server.sync_policy === 'degrade' } : null,
  })
  return change !== null && (await moveStanding(deps.db, standby, change)) && change.isNewTerm
}

// From then on a promotion of this standby loses nothing that was acknowledged.
async function noteSynchronous(deps: StewardDeps, server: ServerWithMembers): Promise<void> {
  const standby = standbyOf(server)
  if (server.protection !== 'sync' || standby?.standing !== 'ready' || standby.is_synchronous) return
  if (factsOf(deps.board, server, primaryOf(server).machine)?.isSynchronous !== true) return
  await deps.db
    .updateTable('server_members')
    .set({ is_synchronous: true })
    .where('server', '=', server.name)
    .where('machine', '=', standby.machine)
    .where('standing', '=', 'ready')
    .where('lease_term', '=', standby.lease_term)
    .execute()
}

function noteBroken(since: Map<string, number>, server: string, isBroken: boolean): number {
  if (!isBroken) {
    since.delete(server)
    return 0
  }
  const at = since.get(server) ?? performance.now()
  since.set(server, at)
  return performance.now() - at
}

async function noteInitialized(deps: StewardDeps, server: ServerWithMembers): Promise<void> {
  if (server.is_initialized) return
  if (factsOf(deps.board, server, primaryOf(server).machine)?.state !== 'running') return
  await deps.db.transaction().execute(async (trx) => {
    await trx.updateTable('servers').set({ is_initialized: true }).where('name', '=', server.name).execute()
    await bumpDesired(trx)
  })
}

// Schemas of deleted services: once the host reports them done they need not be in any assignment again.
async function noteDropped(deps: StewardDeps): Promise<boolean> {
  const pending = await deps.db
    .selectFrom('services')
    .select(['id', 'server', 'schema_name'])
    .where('state', '=', 'deleted')
    .where('is_data_dropped', '=', false)
    .where('operation_id', 'is', null)
    .execute()
  if (pending.length === 0) return false
  const { version } = await deps.db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
  const servers = await listServers(deps.db)
  let isChanged = false
  for (const service of pending) {
    const server = servers.find((entry) => entry.name === service.server)
    const facts = server && factsOf(deps.board, server, primaryOf(server).machine)
    const schema = facts?.schemas.find((entry) => entry.schema === service.schema_name)
    if (!facts || facts.version < Number(version) || !schema || schema.problem) continue
    await deps.db.updateTable('services').set({ is_data_dropped: true }).where('id', '=', service.id).execute()
    isChanged = true
  }
  if (isChanged) await deps.db.transaction().execute(bumpDesired)
  return isChanged
}

// Tables that were given up while their server could not be reached, or just before control stopped.
async function noteDroppedTables(deps: StewardDeps): Promise<void> {
  const pending = await deps.db
    .selectFrom('service_tables')
    .innerJoin('services', 'services.id', 'service_tables.service_id')
    .select(['services.id', 'services.server', 'services.schema_name'])
    .where('service_tables.is_dropping', '=', true)
    .execute()
  if (pending.length === 0) return
  const { version } = await deps.db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
  const servers = await listServers(deps.db)
  for (const service of pending) {
    const server = servers.find((entry) => entry.name === service.server)
    const facts = server && factsOf(deps.board, server, primaryOf(server).machine)
    const schema = facts?.schemas.find((entry) => entry.schema === service.schema_name)
    if (facts && facts.version >= Number(version) && schema?.problem === null) {
      await forgetDroppedTables(deps.db, service.id)
    }
  }
}

function factsOf(board: FactBoard, server: ServerWithMembers, machine: string) {
  if (board.hostSilentMs(machine) >= HEARTBEAT_SILENT_MS) return null
  return board.host(machine)?.servers.find((entry) => entry.name === server.name) ?? null
}
