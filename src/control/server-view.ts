// Servers as people are shown them: what they are to be, and what their hosts last reported.
import type { ServerView, ServiceView } from '../contract/api.ts'
import { placeOf } from '../databases/database-url.ts'
import { endpointOf } from '../databases/external-servers.ts'
import { regionNameOf } from '../databases/server-place.ts'
import { listServers, type Member, primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import { HEARTBEAT_SILENT_MS } from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { listMachines, listRegions } from '../regions/regions.ts'
import { listServices } from '../services/services.ts'
import { type BackupCheck, listBackupChecks } from './backup-checks.ts'
import type { ViewDeps } from './views.ts'

/** All servers with what their members last reported. */
export async function viewServers(deps: ViewDeps): Promise<ServerView[]> {
  const services = await listServices(deps.db, null)
  const domains = new Map((await listMachines(deps.db)).map((machine) => [machine.name, machine.domain]))
  const checks = await listBackupChecks(deps.db)
  const regions = new Map((await listRegions(deps.db)).map(({ slug, name }) => [slug, name]))
  return (await listServers(deps.db)).map((server) => ({
    name: server.name,
    region: regionNameOf(server, { domains, regions }),
    kind: server.kind,
    epoch: Number(server.epoch),
    isDefault: server.is_default,
    protection: server.protection,
    isProtected: isProtected(deps.board, server),
    syncPolicy: server.protection === 'sync' ? server.sync_policy : null,
    operation: server.operation_id,
    backup: backupOf(deps.board, server, checks),
    external: externalOf(deps, server),
    services: services.filter((service) => service.server === server.name).map((service) => service.name),
    members: server.members.map((member) => viewMember(deps, server, member, domains.get(member.machine) ?? '')),
  }))
}

function externalOf(deps: ViewDeps, server: ServerWithMembers): ServerView['external'] {
  if (server.kind !== 'external') return null
  const { user, database, tls, hosts } = endpointOf(server, deps.open)
  const facts = deps.board.host(primaryOf(server).machine)?.servers.find(({ name }) => name === server.name)?.external
  return {
    ...{ user, database, tls },
    at: facts?.at ?? null,
    version: facts?.version ?? null,
    // Before anybody has looked, only their names are known.
    hosts: facts?.hosts ?? hosts.map((host) => ({ place: placeOf(host), state: 'unknown', problem: null })),
    standbys: facts?.standbys ?? null,
  }
}

function viewMember(
  deps: ViewDeps,
  server: ServerWithMembers,
  member: Member,
  region: string,
): ServerView['members'][number] {
  const host = deps.board.host(member.machine)
  const silentMs = deps.board.hostSilentMs(member.machine)
  const facts = host?.servers.find((entry) => entry.name === server.name)
  const primary = deps.board.host(primaryOf(server).machine)?.servers.find((entry) => entry.name === server.name)
  const lag = member.role === 'standby' ? (primary?.standby ?? null) : null
  const isSilent = silentMs >= HEARTBEAT_SILENT_MS
  return {
    machine: member.machine,
    region,
    role: member.role,
    state: !facts ? 'unknown' : isSilent ? `silent (was ${facts.state})` : facts.state,
    problem: facts?.problem ?? null,
    epoch: facts?.epoch ?? Number(server.epoch),
    lsn: facts?.lsn ?? null,
    lagBytes: lag?.lagBytes ?? null,
    lagMs: lag?.lagMs ?? null,
    lagTransactions: lag?.lagTransactions ?? null,
    lease: leaseText(facts?.lease),
    standing: member.standing,
    lastContactAt: host ? new Date(Date.now() - silentMs).toISOString() : null,
    dataBytes: facts?.dataBytes ?? null,
    disk: facts?.disk ?? null,
    quarantine: facts?.quarantine ? { ...facts.quarantine, forkLsn: forkOf(server) ?? primary?.forkLsn ?? null } : null,
  }
}

/** How far behind what would be left of a server is, should its primary be lost now; null for an external one. */
export function exposureOf(board: FactBoard, server: ServerWithMembers): ServiceView['exposure'] {
  if (server.kind === 'external') return null
  const facts = board.host(primaryOf(server).machine)?.servers.find(({ name }) => name === server.name)
  const standby = facts?.standby?.isStreaming ? facts.standby : null
  return {
    lagBytes: standby?.lagBytes ?? null,
    lagMs: standby?.lagMs ?? null,
    lagTransactions: standby?.lagTransactions ?? null,
    restorableTo: facts?.backup?.restorableTo ?? null,
  }
}

// A standby that is being built or was released protects nothing, and one that is not waited for yet not as asked.
function isProtected(board: FactBoard, server: ServerWithMembers): boolean {
  if (server.protection === 'vault') return typeof backupOf(board, server, [])?.restorableTo === 'string'
  return server.members.some(
    ({ standing, is_synchronous }) => standing === 'ready' && (is_synchronous || server.protection !== 'sync'),
  )
}

function backupOf(board: FactBoard, server: ServerWithMembers, checks: BackupCheck[]): ServerView['backup'] {
  const found = board.host(primaryOf(server).machine)?.servers.find(({ name }) => name === server.name)?.backup
  if (!found) return null
  const { state: _, ...shown } = found
  const check = checks.find((one) => one.server === server.name)
  return { ...shown, checkedAt: check?.at.toISOString() ?? null, checkProblem: check?.problem ?? null }
}

function forkOf(server: ServerWithMembers): string | null {
  return primaryOf(server).fork_lsn
}

function leaseText(lease: { kind: string; ageMs: number | null } | undefined): string {
  if (!lease) return 'unknown'
  return lease.kind === 'held' && lease.ageMs !== null ? `held, proven ${lease.ageMs} ms ago` : lease.kind
}
