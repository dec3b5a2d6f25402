// What machines tell control: facts, never conclusions. Ages are in milliseconds at the moment of sending.
import type { GatewayAssignment, HostAssignment } from './assignment.ts'
import type { BackupFacts } from './backup.ts'
import type { BundleSummary } from './divergence.ts'
import type { ExternalFacts } from './external-server.ts'
import type { ServiceDigests } from './service-digests.ts'

/**
 * `waiting`: not allowed to open yet (no proof). `fenced`: the lease ran out and PostgreSQL was stopped.
 * `building`: a standby's copy is being made. `restoring`: a server is made from what a vault holds. `promoting`: a standby becomes the primary.
 */
export type ServerState =
  | 'starting'
  | 'waiting'
  | 'building'
  | 'restoring'
  | 'running'
  | 'promoting'
  | 'fenced'
  | 'stopped'
  | 'quarantined'
  | 'failed'

export type ServerFacts = {
  name: string
  /** The assignment's version that this server has been made to follow, schemas and tables included. */
  version: number
  epoch: number
  role: 'primary' | 'standby' | 'quarantined'
  state: ServerState
  problem: string | null
  /** The code of that, where it was a fault of ours. */
  problemCode?: string | null
  /** Primary: end of its WAL. Standby: what it has on disk. As PostgreSQL writes it, `0/3A21F60`. */
  lsn: string | null
  timeline: number | null
  /** Of a promoted primary: where its timeline left the lost one's. */
  forkLsn: string | null
  lease: { kind: 'free' | 'held' | 'lost'; term: number; ageMs: number | null }
  /** Of a primary: its standby's position, as far as the primary knows. */
  standby: {
    isStreaming: boolean
    flushLsn: string | null
    lagBytes: number
    lagMs: number
    /** An upper bound; null where it is not known. */
    lagTransactions?: number | null
  } | null
  /** Of a standby: when it last heard from its primary. */
  lastContactMs: number | null
  dataBytes: number | null
  /** Of the file system that its data folder is on. */
  disk?: { freeBytes: number; totalBytes: number } | null
  /** Of a quarantined server: the end of its WAL (to the page), and the size and place of all that is kept. */
  quarantine: {
    endLsn: string | null
    keptBytes: number
    folder: string
    /** The epoch that it wrote under, and what was decoded of its stranded writes; null until that was tried. */
    epoch?: number
    bundle?: BundleSummary | null
    /** Why nothing could be decoded. */
    bundleProblem?: string | null
  } | null
  /** Of a primary: every commit waits until its standby has it on disk. */
  isSynchronous?: boolean
  /** Of a primary that was stopped cleanly as ordered: the end of its WAL. */
  shutdownLsn?: string | null
  /** Of a primary that is backed up. */
  backup?: BackupFacts | null
  /** Of one that is made from a vault: how far that is. */
  restore?: { doneBytes: number; totalBytes: number; step: string; elapsedMs?: number } | null
  /** Of an external one: what can be seen of it. */
  external?: ExternalFacts | null
  /** Schemas that are ready under the assigned epoch, and for how long. */
  schemas: { schema: string; epoch: number; ageMs?: number; problem: string | null }[]
}

/**
 * How strong the border around scripts is on a machine. `reduced`: the kernel allows no namespaces, so only Node's own
 * permissions, limits and, as root, a user of their own are left. `off`: scripts cannot run at all.
 */
export type SandboxLevel = 'full' | 'reduced' | 'off'

export type RuntimeFacts = {
  name: string
  /** The assignment's version that every process of the runtime serves. */
  version: number
  state: 'starting' | 'running' | 'stopped' | 'failed'
  processes: number
  restarts: number
  problem: string | null
  /** Null until a process of it has found out. */
  sandbox: SandboxLevel | null
  services: { name: string; epoch: number }[]
  /** Runs of scripts in the last minute, of services that had any. */
  scripts?: ScriptRuns[]
}

/** How often scripts of a service ran and failed, and what the last failure was. */
export type ScriptRuns = { service: string; runs: number; failed: number; problem: string | null }

/** Whom a machine can reach: `silentMs` since the last success, null before the first try has ended. */
export type ReachFacts = { machine: string; silentMs: number | null }

/** What every machine says of itself. Optional is what version 1 did not say. */
export type MachineFacts = {
  protocol: number
  machine: string
  address: string
  port: number
  /** The version of the assignment that it follows. */
  version: number
  /** The release of the software, as `mainstay --version` says it. */
  release?: string
  /** When its certificate ends; ISO 8601. */
  certificateUntil?: string
}

export type HostFacts = MachineFacts & {
  region: string
  servers: ServerFacts[]
  runtimes: RuntimeFacts[]
  reach: ReachFacts[]
  memoryBytes: number
  /** What its operator lets it hold; left out: its share of what was set for the region. */
  offer: { reservedUnits?: number; sharedSlots?: number }
  /** The highest epoch that this machine ever saw; a control that was restored takes none at or below it. */
  highestEpoch?: number
  /** Of the servers that it is told to drop: those of which nothing is left here. */
  droppedServers?: string[]
  /** Divergence bundles that lie here. */
  bundles?: { server: string; epoch: number }[]
  /** The vault that it was given. */
  vault?: string | null
}

/**
 * A gateway's probe of a host (`runtime` null) or of one runtime through its host's door: `silentMs` since the last
 * success, or since the first try. `unreachableServers`: databases that the runtime itself cannot reach;
 * `refusedLogins`: services whose login is refused by a database that it does reach, under the epoch that it serves.
 */
export type ProbeFacts = {
  machine: string
  runtime: string | null
  silentMs: number
  problem: string | null
  unreachableServers: string[]
  refusedLogins?: { service: string; epoch: number }[]
}

/**
 * How hard a gateway works: the share of its time in the last seconds that its process was busy, 0 to 1, and requests
 * that it turned away meanwhile since too many waited.
 */
export type GatewayLoad = { busy: number; turnedAway: number }

/**
 * `port`: under which apps reach it. `own`: until when the certificate of its own files is good, ISO 8601, and what is wrong
 * with them as they lie there now; null: it has none.
 */
export type GatewayTls = { port: number; own: { until: string; problem: string | null } | null }

export type GatewayFacts = MachineFacts & {
  domain: string
  publicUrl: string
  probes: ProbeFacts[]
  requests: number
  failedRequests: number
  highestEpoch?: number
  load?: GatewayLoad
  /** Where it answers by HTTPS; null: nowhere. */
  tls?: GatewayTls | null
}

/** A gateway's answer to the question what it still forwards: requests under way of each service, held ones left out. */
export type GatewayTraffic = { version: number; underWay: Record<string, number> }

export type HostHeartbeatAnswer = { assignment: HostAssignment | null }
export type GatewayHeartbeatAnswer = { assignment: GatewayAssignment | null }

/** A runtime's own answer at RUNTIME_HEALTH_PATH. */
export type RuntimeHealth = {
  name: string
  services: {
    name: string
    epoch: number
    server: string
    isDatabaseReachable: boolean
    /** PostgreSQL answers, and does not let the service in. */
    isLoginRefused?: boolean
    problem: string | null
  }[]
}

/** Asked of the standby's host by the primary's. */
export type ProofRequest = { server: string; epoch: number; term: number }
/** `isGiven` false means: promoted, or about to be; the asker's epoch is over. */
export type ProofAnswer = { isGiven: boolean; epoch: number }

/** Asked of control by the primary's host when the standby's host is silent. */
export type ReleaseRequest = { server: string; epoch: number; term: number }
export type ReleaseAnswer = { isReleased: boolean; reason: string }

/** What a runtime's POST to PROBE_PATH answers. */
export type ProbeAnswer = {
  service: string
  epoch: number
  token: string
  /** Rows of each defined table; null where the table or a system column is missing. */
  tables: { name: string; rows: number | null }[]
  /**
   * The scripts that would run, by what their texts on disk hash to; null where a text is missing or damaged. Left out
   * by runtimes of protocol 1, which run none.
   */
  scripts?: { name: string; hash: string | null }[]
  /** Of the settings, permissions and keys that it goes by. */
  digests?: ServiceDigests
}
