// What a host says of itself and its runtimes to Prometheus.
import type { HostFacts, ServerFacts } from '../contract/facts.ts'
import { METRIC_SERVICES_MAX } from '../kit/limits.ts'
import { boundLabel, type Measure, type Sample } from '../kit/metrics.ts'
import type { RuntimesNumbers } from './runtimes.ts'

/** What a host counted of one of its servers since its own start. */
export type ServerNumbers = {
  name: string
  /** Until commits are no longer acknowledged; null where no lease applies, 0 for what is not to be the primary. */
  leaseRemainingMs: number | null
  fences: number
  asked: number
  received: number
  given: number
  refused: number
}

export type HostNumbers = { facts: HostFacts; servers: ServerNumbers[]; runtimes: RuntimesNumbers }

export const HOST_MEASURES: Measure<HostNumbers>[] = [
  {
    kind: 'gauge',
    name: 'mainstay_host_assignment_version',
    help: 'Version of the assignment that is followed; behind mainstay_desired_version: it has not heard of a change.',
    of: ({ facts }) => facts.version,
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_memory_bytes',
    help: 'Proportional set size of the host and all its processes, PostgreSQL included.',
    of: ({ facts }) => facts.memoryBytes,
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_highest_epoch',
    help: 'Highest epoch that this machine ever saw.',
    of: ({ facts }) => facts.highestEpoch ?? null,
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_peer_silence_seconds',
    help: 'Time since another host last answered this one.',
    labels: ['machine'],
    of: ({ facts }) =>
      facts.reach.flatMap(({ machine, silentMs }) =>
        silentMs === null ? [] : [{ value: silentMs / 1_000, labels: { machine } }],
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_state',
    help: '1 for the state and role that a PostgreSQL server is in.',
    labels: ['server', 'role', 'state'],
    of: ({ facts }) =>
      facts.servers.map(({ name, role, state }) => ({ value: 1, labels: { server: name, role, state } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_epoch',
    help: 'Epoch of the data of a server.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ epoch }) => epoch),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_data_bytes',
    help: 'Size of the data folder of a server.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ dataBytes }) => dataBytes),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_disk_free_bytes',
    help: 'Room that is left where the data folder of a server is.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ disk }) => disk?.freeBytes ?? null),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_standby_lag_bytes',
    help: 'What the standby of a primary has not on disk yet.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ standby }) => standby?.lagBytes ?? null),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_standby_lag_seconds',
    help: 'How old what the standby of a primary has on disk is.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ standby }) => (standby ? standby.lagMs / 1_000 : null)),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_server_contact_age_seconds',
    help: 'Time since a standby last heard from its primary.',
    labels: ['server'],
    of: ({ facts }) => perServer(facts, ({ lastContactMs }) => (lastContactMs === null ? null : lastContactMs / 1_000)),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_restorable_age_seconds',
    help: 'How old the newest moment is that can be restored from the vault. Missing where nothing can be yet.',
    labels: ['server'],
    of: ({ facts }) =>
      perServer(facts, ({ backup }) =>
        backup?.restorableTo ? Math.max(0, Date.now() - Date.parse(backup.restorableTo)) / 1_000 : null,
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_lease_remaining_seconds',
    help: 'Until a primary stops acknowledging commits, unless new proof comes. Missing where no lease applies.',
    labels: ['server'],
    of: ({ facts, servers }) =>
      servers.flatMap(({ name, leaseRemainingMs }) => {
        const isPrimary = facts.servers.some((server) => server.name === name && server.role === 'primary')
        return isPrimary && leaseRemainingMs !== null
          ? [{ value: leaseRemainingMs / 1_000, labels: { server: name } }]
          : []
      }),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_proofs_asked_total',
    help: 'Times that a primary asked the host of its standby for proof.',
    labels: ['server'],
    of: ({ servers }) => counted(servers, ({ asked }) => asked),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_proofs_received_total',
    help: 'Proofs that came back.',
    labels: ['server'],
    of: ({ servers }) => counted(servers, ({ received }) => received),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_proofs_given_total',
    help: 'Proofs that this host gave for a standby that it holds.',
    labels: ['server'],
    of: ({ servers }) => counted(servers, ({ given }) => given),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_proofs_refused_total',
    help: 'Proofs that this host refused because a later epoch has begun here.',
    labels: ['server'],
    of: ({ servers }) => counted(servers, ({ refused }) => refused),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_server_fences_total',
    help: 'Times that the guard stopped a server because its lease had run out.',
    labels: ['server'],
    of: ({ servers }) => counted(servers, ({ fences }) => fences),
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_runtime_processes',
    help: 'Processes of a runtime that listen.',
    labels: ['runtime'],
    of: ({ facts }) =>
      perRuntime(facts.runtimes.map(({ name, processes }) => ({ value: processes, labels: { runtime: name } }))),
  },
  {
    kind: 'counter',
    name: 'mainstay_host_runtime_restarts_total',
    help: 'Times that a runtime ended and was started again.',
    of: ({ runtimes }) => runtimes.restarts,
  },
  {
    kind: 'gauge',
    name: 'mainstay_host_sandbox_level',
    help: 'Runtimes by how strong the border around scripts is in them.',
    labels: ['level'],
    of: ({ facts }) => sandboxLevels(facts),
  },
  {
    kind: 'counter',
    name: 'mainstay_runtime_requests_total',
    help: 'Requests that runtimes answered, by service and class of status.',
    labels: ['service', 'status'],
    of: ({ runtimes }) =>
      runtimes.requests.map(({ service, status, count }) => ({ value: count, labels: { service, status } })),
  },
  {
    kind: 'counter',
    name: 'mainstay_runtime_sandbox_starts_total',
    help: 'Sandboxes of scripts that were given to a service.',
    of: ({ runtimes }) => runtimes.sandboxStarts,
  },
  {
    kind: 'counter',
    name: 'mainstay_host_push_total',
    help: 'Push notifications by platform and by what came of them.',
    labels: ['platform', 'outcome'],
    of: ({ runtimes }) =>
      runtimes.pushed.flatMap(({ platform, ...counts }) =>
        Object.entries(counts).map(([outcome, value]) => ({ value, labels: { platform, outcome } })),
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_runtime_sandboxes',
    help: 'Sandboxes that run for services; blocked are those that owe an answer for too long.',
    labels: ['runtime', 'state'],
    of: ({ runtimes }) =>
      perRuntime(
        runtimes.workers.flatMap(({ runtime, numbers: { sandboxes } }) => [
          { value: sandboxes.running - sandboxes.blocked, labels: { runtime, state: 'answering' } },
          { value: sandboxes.blocked, labels: { runtime, state: 'blocked' } },
        ]),
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_runtime_connections',
    help: 'Connections to PostgreSQL that a runtime holds open.',
    labels: ['runtime'],
    of: ({ runtimes }) =>
      perRuntime(
        runtimes.workers.map(({ runtime, numbers }) => ({ value: numbers.connections.open, labels: { runtime } })),
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_runtime_connection_waiters',
    help: 'Requests that wait for a connection to PostgreSQL.',
    labels: ['runtime'],
    of: ({ runtimes }) =>
      perRuntime(
        runtimes.workers.map(({ runtime, numbers }) => ({ value: numbers.connections.waiting, labels: { runtime } })),
      ),
  },
  {
    kind: 'gauge',
    name: 'mainstay_runtime_memory_bytes',
    help: 'Resident memory of the processes of a runtime, without their sandboxes.',
    labels: ['runtime'],
    of: ({ runtimes }) =>
      perRuntime(runtimes.workers.map(({ runtime, numbers }) => ({ value: numbers.memoryBytes, labels: { runtime } }))),
  },
]

function perServer(facts: HostFacts, read: (server: ServerFacts) => number | null): Sample[] {
  return facts.servers.flatMap((server) => {
    const value = read(server)
    return value === null ? [] : [{ value, labels: { server: server.name } }]
  })
}

function counted(servers: ServerNumbers[], read: (server: ServerNumbers) => number): Sample[] {
  return servers.map((server) => ({ value: read(server), labels: { server: server.name } }))
}

// Adds up the processes of one runtime, and the runtimes of reserved services beyond the limit.
function perRuntime(samples: Sample[]): Sample[] {
  return boundLabel(samples, 'runtime', METRIC_SERVICES_MAX)
}

function sandboxLevels({ runtimes }: HostFacts): Sample[] {
  return (['full', 'reduced', 'off'] as const).map((level) => ({
    value: runtimes.filter(({ sandbox }) => sandbox === level).length,
    labels: { level },
  }))
}
