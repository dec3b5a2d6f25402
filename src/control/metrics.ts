// What control says to Prometheus of the whole cloud: rows and newest facts, read when it is asked.
import { type Kysely, sql } from 'kysely'
import type { RegionView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { listServers, primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import type { Incidents } from '../health/incidents.ts'
import type { Measure, Metrics, Sample } from '../kit/metrics.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { listMachines } from '../regions/regions.ts'
import { listServices } from '../services/services.ts'
import { newestOf } from './control-view.ts'
import { type ControlProcess, listControls } from './election.ts'
import { type ViewDeps, viewRegions } from './views.ts'

/** Where the members of a server stand, as far as its primary's machine has told. */
export type ServerNumbers = {
  server: string
  epoch: number
  lagBytes: number | null
  lagMs: number | null
  leaseAgeMs: number | null
  standings: { machine: string; standing: string }[]
}

export type CloudNumbers = {
  version: number
  regions: RegionView[]
  services: { state: string }[]
  operations: { kind: string; state: string; count: number }[]
  servers: ServerNumbers[]
  machines: { machine: string; role: string; silentMs: number | null }[]
  controls: ControlProcess[]
  incidents: { kind: string; cause: string; count: number }[]
  noticesWaiting: number
  nowMs: number
}

/** Of whole operations: a promotion takes half a second, a first base backup minutes. */
export const OPERATION_DURATIONS = {
  name: 'mainstay_operation_duration_seconds',
  help: 'Time from the request to the end of operations that ended while this process executed.',
  labels: ['kind', 'state'],
  buckets: [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
}

/** Reads everything. Faults when the control database does not answer. */
export async function readCloudNumbers(deps: ViewDeps): Promise<CloudNumbers> {
  const { db, board, incidents } = deps
  const { version } = await db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
  const machines = (await listMachines(db)).filter((machine) => machine.revoked_at === null)
  return {
    version: Number(version),
    regions: await viewRegions(deps),
    services: (await listServices(db, null)).map(({ id, state }) => ({ state: stateOf(incidents, id, state) })),
    operations: await countOperations(db),
    servers: (await listServers(db)).map((server) => serverNumbers(board, server)),
    machines: machines
      .filter(({ role }) => role !== 'control')
      .map(({ name, role }) => ({ machine: name, role, silentMs: silentMsOf(board, name, role) })),
    controls: await listControls(db),
    incidents: await countIncidents(db),
    noticesWaiting: await countNotices(db),
    nowMs: Date.now(),
  }
}

export const CLOUD_MEASURES: Measure<CloudNumbers>[] = [
  {
    kind: 'gauge',
    name: 'mainstay_desired_version',
    help: 'Version of what control wants; every change of anything makes it grow.',
    of: ({ version }) => version,
  },
  {
    kind: 'gauge',
    name: 'mainstay_region_capacity',
    help: 'What the hosts of a region that report offer, as far as it was set.',
    labels: ['region', 'kind'],
    of: ({ regions }) => regions.flatMap((region) => capacities(region, 'offered')),
  },
  {
    kind: 'gauge',
    name: 'mainstay_region_capacity_used',
    help: 'What services and promises hold of a region.',
    labels: ['region', 'kind'],
    of: ({ regions }) => regions.flatMap((region) => capacities(region, 'used')),
  },
  {
    kind: 'gauge',
    name: 'mainstay_region_hosts',
    help: 'Hosts of a region that report now.',
    labels: ['region'],
    of: ({ regions }) => regions.map(({ slug, hosts }) => ({ value: hosts, labels: { region: slug } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_services',
    help: 'Services by state; a ready one that is not well counts as degraded or unhealthy.',
    labels: ['state'],
    of: ({ services }) => serviceCounts(services),
  },
  {
    kind: 'gauge',
    name: 'mainstay_operations',
    help: 'Operations that ever were, by kind and state.',
    labels: ['kind', 'state'],
    of: ({ operations }) => operations.map(({ count, kind, state }) => ({ value: count, labels: { kind, state } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_server_epoch',
    help: 'Epoch of a PostgreSQL server; it grows with every change of its primary.',
    labels: ['server'],
    of: ({ servers }) => perServer(servers, ({ epoch }) => epoch),
  },
  {
    kind: 'gauge',
    name: 'mainstay_server_standby_lag_bytes',
    help: 'What the standby of a server had not on disk at the last report.',
    labels: ['server'],
    of: ({ servers }) => perServer(servers, ({ lagBytes }) => lagBytes),
  },
  {
    kind: 'gauge',
    name: 'mainstay_server_standby_lag_seconds',
    help: 'How old what the standby had on disk was at the last report.',
    labels: ['server'],
    of: ({ servers }) => perServer(servers, ({ lagMs }) => (lagMs === null ? null : lagMs / 1_000)),
  },
  {
    kind: 'gauge',
    name: 'mainstay_server_standby_standing',
    help: '1 for how a standby stands; only ready may be promoted.',
    labels: ['server', 'machine', 'standing'],
    of: ({ servers }) =>
      servers.flatMap(({ server, standings }) =>
        standings.map(({ machine, standing }) => ({ value: 1, labels: { server, machine, standing } })),
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_server_lease_age_seconds',
    help: 'Age of the proof under which a primary takes writes. Missing where it needs none.',
    labels: ['server'],
    of: ({ servers }) => perServer(servers, ({ leaseAgeMs }) => (leaseAgeMs === null ? null : leaseAgeMs / 1_000)),
  },
  {
    kind: 'gauge',
    name: 'mainstay_machine_heartbeat_age_seconds',
    help: 'Time since this control process heard a machine. Missing before it ever did.',
    labels: ['machine', 'role'],
    of: ({ machines }) =>
      machines.flatMap(({ machine, role, silentMs }) =>
        silentMs === null ? [] : [{ value: silentMs / 1_000, labels: { machine, role } }],
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_control_executing',
    help: '1 for the control process that carries operations out, 0 for those that stand by.',
    labels: ['control'],
    of: ({ controls }) =>
      controls.map(({ name, since }) => ({ value: since === null ? 0 : 1, labels: { control: name } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_control_archive_age_seconds',
    help: 'Age of the newest archive of the control database. Missing where there is none.',
    of: ({ controls, nowMs }) => {
      const newest = newestOf(controls)
      return newest === null ? null : Math.max(0, nowMs - newest.getTime()) / 1_000
    },
  },
  {
    kind: 'gauge',
    name: 'mainstay_incidents_open',
    help: 'Incidents that are open, by what they are about and their cause.',
    labels: ['subject', 'cause'],
    of: ({ incidents }) =>
      incidents.map(({ count, kind, cause }) => ({ value: count, labels: { subject: kind, cause } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_notices_waiting',
    help: 'Notices of incidents that are still to be sent.',
    of: ({ noticesWaiting }) => noticesWaiting,
  },
]

/** What is known also while the control database is away. Added after the others, whose reading finds it out. */
export const CONTROL_MEASURES: Measure<{ isDatabaseUp: boolean; isExecuting: boolean }>[] = [
  {
    kind: 'gauge',
    name: 'mainstay_control_database_up',
    help: '1 when the control database answered this reading; without it the numbers of the cloud are missing.',
    of: ({ isDatabaseUp }) => Number(isDatabaseUp),
  },
  {
    kind: 'gauge',
    name: 'mainstay_control_is_executor',
    help: '1 when this process carries operations out.',
    of: ({ isExecuting }) => Number(isExecuting),
  },
]

/** Adds what a control process tells: the cloud's numbers while its database answers, its own always. */
export function addControlMetrics(metrics: Metrics, deps: { views: ViewDeps; isExecuting: () => boolean }): void {
  let isDatabaseUp = false
  const read = async () => {
    isDatabaseUp = false
    const numbers = await readCloudNumbers(deps.views)
    isDatabaseUp = true
    return numbers
  }
  metrics.add(read, CLOUD_MEASURES)
  metrics.add(() => ({ isDatabaseUp, isExecuting: deps.isExecuting() }), CONTROL_MEASURES)
}

async function countOperations(db: Kysely<ControlDatabase>): Promise<CloudNumbers['operations']> {
  const rows = await db
    .selectFrom('operations')
    .select(['kind', 'state', sql<string>`count(*)`.as('count')])
    .groupBy(['kind', 'state'])
    .execute()
  return rows.map(({ kind, state, count }) => ({ kind, state, count: Number(count) }))
}

async function countIncidents(db: Kysely<ControlDatabase>): Promise<CloudNumbers['incidents']> {
  const rows = await db
    .selectFrom('incidents')
    .select(['kind', 'cause', sql<string>`count(*)`.as('count')])
    .where('closed_at', 'is', null)
    .groupBy(['kind', 'cause'])
    .execute()
  return rows.map(({ kind, cause, count }) => ({ kind, cause, count: Number(count) }))
}

async function countNotices(db: Kysely<ControlDatabase>): Promise<number> {
  const { count } = await db
    .selectFrom('notices')
    .select(sql<string>`count(*)`.as('count'))
    .where('due_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(count)
}

function stateOf(incidents: Incidents, id: string, state: string): string {
  const verdict = incidents.get('service', id).verdict.state
  return state === 'ready' && verdict !== 'Ready' ? verdict.toLowerCase() : state
}

function serverNumbers(board: FactBoard, server: ServerWithMembers): ServerNumbers {
  const { machine } = primaryOf(server)
  const facts = board.host(machine)?.servers.find(({ name }) => name === server.name)
  const { lease, standby } = facts ?? { lease: null, standby: null }
  return {
    server: server.name,
    epoch: Number(server.epoch),
    lagBytes: standby?.lagBytes ?? null,
    lagMs: standby?.lagMs ?? null,
    // It was so old when the machine told it, and has grown older since.
    leaseAgeMs:
      lease && lease.kind !== 'free' && lease.ageMs !== null ? lease.ageMs + board.hostSilentMs(machine) : null,
    standings: server.members.flatMap((member) =>
      member.standing === null ? [] : [{ machine: member.machine, standing: member.standing }],
    ),
  }
}

function silentMsOf(board: FactBoard, name: string, role: string): number | null {
  if (role === 'host') return board.hasHeardHost(name) ? board.hostSilentMs(name) : null
  return board.gateways().find(({ facts }) => facts.machine === name)?.silentMs ?? null
}

function capacities(region: RegionView, what: 'offered' | 'used'): Sample[] {
  const [units, slots] =
    what === 'offered' ? [region.reservedUnits, region.sharedSlots] : [region.reservedUnitsUsed, region.sharedSlotsUsed]
  return [
    { value: units, labels: { region: region.slug, kind: 'reserved_units' } },
    { value: slots, labels: { region: region.slug, kind: 'shared_slots' } },
  ]
}

function serviceCounts(services: CloudNumbers['services']): Sample[] {
  const counts = new Map<string, number>()
  for (const { state } of services) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, value]) => ({ value, labels: { state } }))
}

function perServer(servers: ServerNumbers[], read: (server: ServerNumbers) => number | null): Sample[] {
  return servers.flatMap((server) => {
    const value = read(server)
    return value === null ? [] : [{ value, labels: { server: server.server } }]
  })
}
