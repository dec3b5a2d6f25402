// Turns facts into verdicts, four times a second, and tells gateways at once when one changed.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ProbeFacts, ServerFacts } from '../contract/facts.ts'
import { regionNameOf } from '../databases/server-place.ts'
import { primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import type { Incidents, SubjectKind } from '../health/incidents.ts'
import {
  judgeCapacity,
  judgeReach,
  judgeService,
  type Reachability,
  type ServiceFacts,
  type Vantage,
  type Verdict,
} from '../health/verdict.ts'
import {
  DATABASE_CHECK_EVERY_MS,
  DATABASE_CHECK_MS_MAX,
  GATEWAY_SILENT_MS,
  HEARTBEAT_SILENT_MS,
  PROBE_SILENT_MS,
} from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { runtimeOf } from '../regions/field.ts'
import { shortageOf } from '../regions/ledger.ts'
import { bumpDesired, type Machine } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import type { Service } from '../services/services.ts'
import type { FleetWatch } from './fleet-watch.ts'
import { API_SUBJECT, type Certificates, judgeParts } from './judge-parts.ts'
import type { Fleet } from './snapshot.ts'

/** How old may be what a runtime tells of a login: it looks in the background. */
const LOOK_MS_MAX = DATABASE_CHECK_EVERY_MS + DATABASE_CHECK_MS_MAX

export type JudgeDeps = {
  db: Kysely<ControlDatabase>
  fleet: FleetWatch
  board: FactBoard
  incidents: Incidents
  domain: string
  certificates: Certificates
  onChange: () => void
}

/** Judges every region, every service, and what they stand on, once. */
export async function judgeAll(deps: JudgeDeps): Promise<void> {
  const fleet = await deps.fleet.read()
  const hosts = fleet.machines.filter((machine) => machine.role === 'host')
  const reach = noteLost(deps, hosts)
  let isChanged = false
  const short = new Map<string, ReturnType<typeof shortageOf>>()
  for (const region of fleet.regions) {
    const room = roomOf(region, fleet.machines, deps.board)
    // A region of which nothing reports is lost or just starting; that is another verdict.
    const shortage = room.offer.hosts.size === 0 ? [] : shortageOf(room, fleet.holdings)
    short.set(region.slug, shortage)
    const lost = hosts.filter((host) => host.domain === region.name).map((host) => reach.get(host.name))
    const isLost = lost.length > 0 && lost.every((one) => one?.isLost)
    const verdict = isLost
      ? {
          state: 'Unhealthy' as const,
          cause: 'region_unreachable',
          message: `${region.name} cannot be reached: dead or cut off`,
          evidence: lost.flatMap((one) => one?.evidence ?? []),
        }
      : judgeCapacity(shortage)
    const own = hosts.filter((host) => host.domain === region.name)
    const isHeard = own.length === 0 || own.some(({ name }) => isHeardNow(deps.board, name))
    if (isBackUnheard(deps.incidents.get('region', region.slug).verdict, verdict, isHeard)) continue
    if (await deps.incidents.note('region', region.slug, verdict, region.name)) isChanged = true
  }
  for (const service of fleet.services) {
    if (service.state !== 'ready') continue
    const facts = serviceFacts(deps, fleet, service, reach)
    if (!facts) continue
    const verdict = judgeService(facts)
    // A promise that its region cannot keep now is none: such a secondary must not look Ready.
    const broken = service.secondary_for
      ? (short.get(service.region) ?? []).filter((one) => one.mode === service.mode)
      : []
    const fresh = verdict.state === 'Ready' ? judgeCapacity(broken) : verdict
    const server = fleet.servers.find(({ name }) => name === service.server)
    const needed = [service.machine, ...(server?.kind === 'managed' ? [primaryOf(server).machine] : [])]
    const isHeard = needed.every((machine) => isHeardNow(deps.board, machine))
    if (isBackUnheard(deps.incidents.get('service', service.id).verdict, fresh, isHeard)) continue
    const area = isOfDatabase(fresh) ? facts.database.regionName : facts.regionName
    if (await deps.incidents.note('service', service.id, fresh, area)) isChanged = true
  }
  for (const { kind, subject, verdict, area } of judgeParts(deps.board, fleet, deps.certificates, Date.now())) {
    await deps.incidents.note(kind, subject, verdict, area)
  }
  await forgetEnded(deps.incidents, fleet)
  // Assignments are derived from verdicts on regions and services alone.
  if (!isChanged) return
  await deps.db.transaction().execute(bumpDesired)
  deps.onChange()
}

const UNREACHABLE = new Set(['region_unreachable', 'host_unreachable', 'database_unreachable'])

/**
 * True when a machine that could not be reached would be taken for well since nobody says any more that it is silent:
 * who said so has just started again, and knows nothing yet. It is back when somebody hears it.
 */
export function isBackUnheard(standing: Verdict, fresh: Verdict, isHeard: boolean): boolean {
  if (isHeard || fresh.state === 'Unhealthy') return false
  return standing.state === 'Unhealthy' && UNREACHABLE.has(standing.cause)
}

// By control itself, or by a gateway's probe.
function isHeardNow(board: FactBoard, machine: string): boolean {
  if (freshHost(board, machine) !== null) return true
  return board
    .gateways()
    .filter(({ silentMs }) => silentMs < GATEWAY_SILENT_MS)
    .flatMap(({ facts }) => facts.probes)
    .some((probe) => probe.machine === machine && probe.problem === null && probe.silentMs < PROBE_SILENT_MS)
}

// What is wrong with a database is wrong where that is.
function isOfDatabase(verdict: Verdict): boolean {
  return verdict.state !== 'Ready' && verdict.cause.startsWith('database_')
}

// Servers that were deleted and machines that were revoked: nobody mends what is wrong with them.
async function forgetEnded(incidents: Incidents, fleet: Fleet): Promise<void> {
  const machines = fleet.machines.filter(({ revoked_at }) => revoked_at === null).map(({ name }) => name)
  const living: Partial<Record<SubjectKind, Set<string>>> = {
    standby: new Set(fleet.servers.map(({ name }) => name)),
    vault: new Set(fleet.servers.map(({ name }) => name)),
    gateway: new Set(machines),
    certificate: new Set([...machines, API_SUBJECT]),
  }
  for (const { kind, subject } of incidents.open()) {
    if (living[kind]?.has(subject) === false) await incidents.forget(kind, subject)
  }
}

/** Notes on the board which hosts are lost, and changes nothing else: one that stands by does only this. */
export function noteLost(deps: Pick<JudgeDeps, 'board' | 'domain'>, hosts: Machine[]): Map<string, Reachability> {
  const reach = new Map(hosts.map((host) => [host.name, judgeReach(vantagesOf(deps, host), host.domain)]))
  deps.board.setLost(hosts.map(({ name }) => name).filter((name) => reach.get(name)?.isLost))
  return reach
}

// Control's own ear, every live gateway's probes, and every other host's reach.
function vantagesOf(deps: Pick<JudgeDeps, 'board' | 'domain'>, host: Machine): Vantage[] {
  const { board } = deps
  const vantages: Vantage[] = [
    { name: 'control', domain: deps.domain, silentMs: board.hostSilentMs(host.name), silentMsMax: HEARTBEAT_SILENT_MS },
  ]
  for (const { facts, silentMs } of board.gateways()) {
    if (silentMs >= GATEWAY_SILENT_MS) continue
    const probe = facts.probes.find((entry) => entry.machine === host.name && entry.runtime === null)
    if (probe) {
      const age = probe.silentMs + silentMs
      vantages.push({ name: facts.machine, domain: facts.domain, silentMs: age, silentMsMax: PROBE_SILENT_MS })
    }
  }
  for (const { facts, silentMs } of board.hosts()) {
    if (facts.machine === host.name || silentMs >= HEARTBEAT_SILENT_MS) continue
    const found = facts.reach.find((entry) => entry.machine === host.name)
    if (found && found.silentMs !== null) {
      const age = found.silentMs + silentMs
      vantages.push({ name: facts.machine, domain: facts.region, silentMs: age, silentMsMax: HEARTBEAT_SILENT_MS })
    }
  }
  return vantages
}

function serviceFacts(
  deps: JudgeDeps,
  fleet: Fleet,
  service: Service,
  reach: Map<string, Reachability>,
): ServiceFacts | null {
  const server = fleet.servers.find((entry) => entry.name === service.server)
  const region = fleet.regions.find((entry) => entry.slug === service.region)
  const home = reach.get(service.machine)
  if (!server || !region || !home) return null
  const hosts = fleet.machines.filter((machine) => machine.role === 'host' && machine.domain === region.name)
  const probes = probesOf(deps.board, service)
  const runtime = freshHost(deps.board, service.machine)?.runtimes.find((entry) => entry.name === runtimeOf(service))
  return {
    regionName: region.name,
    home,
    isWholeRegionLost: hosts.every((host) => reach.get(host.name)?.isLost),
    runtime: {
      isServing: runtime ? runtime.state === 'running' : null,
      isCrashing: runtime?.state === 'failed',
      gatewaysSilent: probes.filter((probe) => probe.silentMs >= PROBE_SILENT_MS).length,
      gatewaysReaching: probes.filter((probe) => probe.silentMs < PROBE_SILENT_MS).length,
    },
    database: databaseFacts(deps, fleet, server, { reach, probes, service }),
    scripts: runtime?.scripts?.find((one) => one.service === service.name) ?? null,
  }
}

function databaseFacts(
  deps: JudgeDeps,
  fleet: Fleet,
  server: ServerWithMembers,
  seen: { reach: Map<string, Reachability>; probes: Probed[]; service: Service },
): ServiceFacts['database'] {
  const { machine } = primaryOf(server)
  const facts = freshHost(deps.board, machine)?.servers.find((entry) => entry.name === server.name)
  const told = facts ? { ...facts, toldMs: deps.board.hostSilentMs(machine) } : null
  return {
    server: server.name,
    regionName: regionNameOf(server, {
      domains: new Map(fleet.machines.map(({ name, domain }) => [name, domain])),
      regions: new Map(fleet.regions.map(({ slug, name }) => [slug, name])),
    }),
    // An external one does not die with the host that looks after it.
    host: (server.kind === 'managed' && seen.reach.get(machine)) || { isLost: false, evidence: [] },
    isOpen: facts ? facts.state === 'running' : null,
    problem: facts?.problem ?? null,
    diskFreeBytes: facts?.disk?.freeBytes ?? null,
    isUnreachableFromRuntime: seen.probes.some((probe) => probe.unreachableServers.includes(server.name)),
    isLoginRefused: isLoginRefused(seen.service, seen.probes, told),
  }
}

/**
 * True when a runtime says that its login is refused, and the server's host that this very login was made before. While a
 * service moves, the one of its last epoch is shut out and the one of the next is not made yet: as it should be. What
 * was told is as old as `toldMs`, and may have been seen a look earlier.
 */
export function isLoginRefused(
  service: Pick<Service, 'name' | 'schema_name' | 'epoch'>,
  probes: Pick<Probed, 'refusedLogins' | 'toldMs'>[],
  server: (Pick<ServerFacts, 'schemas'> & { toldMs: number }) | null,
): boolean {
  const epoch = Number(service.epoch)
  const made = server?.schemas.find((one) => one.schema === service.schema_name && one.epoch === epoch)
  if (!server || !made) return false
  const madeMs = (made.ageMs ?? 0) + server.toldMs
  const isOurs = (one: { service: string; epoch: number }) => one.service === service.name && one.epoch === epoch
  return probes.some(({ refusedLogins, toldMs }) => toldMs + LOOK_MS_MAX < madeMs && refusedLogins?.some(isOurs))
}

/** A probe, and how long ago its last success was told. */
type Probed = ProbeFacts & { toldMs: number }

function probesOf(board: FactBoard, service: Service): Probed[] {
  return board
    .gateways()
    .filter(({ silentMs }) => silentMs < GATEWAY_SILENT_MS)
    .flatMap(({ facts, silentMs }) => facts.probes.map((probe) => ({ ...probe, toldMs: probe.silentMs + silentMs })))
    .filter((probe) => probe.machine === service.machine && probe.runtime === runtimeOf(service))
}

function freshHost(board: FactBoard, machine: string) {
  return board.hostSilentMs(machine) < HEARTBEAT_SILENT_MS ? board.host(machine) : null
}
