// What control wants of a machine: complete, versioned, and kept on that machine's disk so that serving never needs control.
import type { Auth } from './auth-provider.ts'
import type { BackupTarget } from './backup.ts'
import type { ExternalAssignment } from './external-server.ts'
import type { ApiPermissions, ApiRoutes, TablePermissions } from './permissions.ts'
import type { PushSettings } from './push.ts'
import type { JobDefinition } from './scheduled-job.ts'
import type { IdType } from './table-format.ts'

/** Where a machine's door is. */
export type MachineAddress = { machine: string; region: string; address: string; port: number }

/**
 * A custom API: its script is `api/NAME`. `routes`: who may call what where routes differ; then `permissions` are the
 * strictest of them, for runtimes that know of none.
 */
export type ApiDefinition = { name: string; permissions: ApiPermissions; routes?: ApiRoutes }

/** `origins`: host names of pages that may call, one `*` each. `bodyKb`: the largest body of a request, in KiB. */
export type Intake = { origins: string[]; isHttpsRequired: boolean; bodyKb: number }
/** The most that `bodyKb` may be. */
export const BODY_KB_MAX = 8_192
/** The most that `hstsSeconds` may be: two years, which is what lists of such sites ask for. */
export const HSTS_SECONDS_MAX = 63_072_000
export const DEFAULT_INTAKE: Intake = { origins: ['localhost'], isHttpsRequired: false, bodyKb: 1_024 }

/**
 * A table as the data plane knows it. The columns are PostgreSQL's to tell. `idType`: left out where ids are texts, and by
 * an older control.
 */
export type TableDefinition = { name: string; permissions: TablePermissions; idType?: IdType }

/** A service's schema on a server whose primary is here: the host makes it so. */
export type SchemaAssignment = {
  /** Stable id of the service; names its owner role. */
  serviceId: string
  schema: string
  epoch: number
  loginPassword: string
  tables: string[]
  /** Those of them that are made with soft delete; whether one that is there has it is not said here. */
  softDeleteTables?: string[]
  /** Those of them whose rows are given integers as ids. */
  integerTables?: string[]
  /** Tables that were given up. Named one by one: a table is never dropped because some list lacks it. */
  droppedTables: string[]
  /** Of the service. With each, all is made as it must be again: SQL of its scripts may have changed its own login. */
  restarts?: number
  /** `closed`: no login works (a consumed secondary). `dropped`: schema and roles are to go. */
  state: 'open' | 'closed' | 'dropped'
}

/**
 * `free`: no promotable standby elsewhere, writable without proof. `required`: writable only while the standby's host
 * gives proof; `term` grows each time the lease is armed again.
 */
export type LeaseAssignment =
  | { kind: 'free'; term: number }
  | { kind: 'required'; term: number; prover: MachineAddress }

/**
 * The key of a server's backups (base64), how often a base backup is taken, and for how many days moments are kept.
 * `droppedAt`: when data of services on it was dropped, of late; for a month every moment before that is kept as well.
 */
export type BackupAssignment = { key: string; everyMs: number; keepDays: number; droppedAt?: string[] }

export type ServerAssignment = {
  name: string
  epoch: number
  /** `quarantined`: it was the primary under an older epoch; kept whole, reachable by nobody. */
  role: 'primary' | 'standby' | 'quarantined'
  superuserPassword: string
  replicationPassword: string
  lease: LeaseAssignment
  /** Only for a primary: false until it was seen running; a lost data folder is never replaced by an empty one. */
  isInitialized: boolean
  /** Only for a standby: where its primary is. */
  primary: MachineAddress | null
  /** Only for a primary: the slots that its standbys use. */
  slots: string[]
  schemas: SchemaAssignment[]
  /** Only for a promotion: the old primary's host confirmed that it stopped, so no lease has to run out. */
  isOldPrimaryStopped: boolean
  /** Only for a primary: the slot of the standby that every commit waits for while the lease is required. */
  synchronousSlot?: string | null
  /** Only for a primary, in a planned move: to be stopped cleanly, and to stay so until told otherwise. */
  isStopping?: boolean
  /**
   * Only for a standby that was the primary under that epoch until a planned move: it follows as it is if its WAL ends
   * there. Otherwise it diverged, and is quarantined.
   */
  rejoin?: { epoch: number; lsn: string } | null
  /** Only for a quarantined one: where its successor left its timeline. What it wrote from there on is stranded. */
  forkLsn?: string | null
  /** Only for a primary that is to be backed up. */
  backup?: BackupAssignment | null
  /** Only for a primary that was never open: made from what the vault holds of that server. */
  restore?: { server: string; key: string; target: BackupTarget } | null
  /** Only for a standby: it is built in the place of what is quarantined here, up to that epoch. `isKept`: set aside. */
  replaces?: { epoch: number; isKept: boolean } | null
}

/** How a runtime reaches a service's database: a server of this host, or one behind another machine's door. */
export type DatabaseAssignment = {
  server: string
  serverEpoch: number
  database: string
  schema: string
  user: string
  password: string
  remote: MachineAddress | null
  /** It is one of `externals`. */
  isExternal?: boolean
}

/**
 * A script of a service: `table/TodoItem.insert` (insert, read, update, delete), `api/orders`, `scheduler/sweep`,
 * `extensions/push`, `extensions/startup`, `shared/mail`. Its text lies under its hash (SHA-256, hex) in the script folder
 * of every host that serves it; a host fetches what it lacks from control, once.
 */
export type ScriptAssignment = { name: string; hash: string; bytes: number }
/** Of those that are modules: each sandbox of the service is given them all. */
export const MODULE_NAME = /^(?:api|shared|extensions)\//
/** Of those that are JSON, and so are files of that very name. Folders may be in it; no part begins with a dot. */
export const JSON_MODULE = /^shared\/(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.json$/

export type ServiceAssignment = {
  id: string
  name: string
  epoch: number
  applicationKey: string
  masterKey: string
  isSchemaDynamic: boolean
  /** The application key is asked of clients of the second generation, too. Left out by an older control: it is. */
  isKeyRequired?: boolean
  /** What it takes from apps. Left out by an older control: as `DEFAULT_INTAKE`. */
  intake?: Intake
  /** Grows with each restart that a person asked for: pools and sandboxes of an older one are ended. */
  generation: number
  tables: TableDefinition[]
  /** Left out by an older control: there are none. */
  apis?: ApiDefinition[]
  /** Left out by an older control: there are none. */
  jobs?: JobDefinition[]
  /** How its users sign in. Left out by an older control: through no provider. */
  auth?: Auth
  /** What its scripts find in their environment. Secrets, as a rule. */
  appSettings?: Record<string, string>
  /** With what it pushes to devices: secrets. Left out by an older control: it does not. */
  push?: PushSettings
  scripts: ScriptAssignment[]
  /** The hash of the npm modules that they can require. Left out: none. */
  npmModules?: string
  database: DatabaseAssignment
}

/** `shared` serves all shared services of the host; a reserved service has a runtime of its own name, `units` processes. */
export type RuntimeAssignment = {
  name: string
  units: number
  /** Another one than before: every process is replaced, each only once its successor serves. */
  generation: number
  services: ServiceAssignment[]
}

/** What every machine is told. Optional is what a control of version 1 does not say. */
export type MachineAssignment = {
  version: number
  /** The protocol version that it is written in. */
  protocol?: number
  /** Machines that are ours no more: nobody's door lets them in or out. */
  revoked?: string[]
  /** Ids of the operations that are under way, for the log. */
  operations?: string[]
}

export type HostAssignment = MachineAssignment & {
  machine: string
  region: string
  servers: ServerAssignment[]
  /** Those that services here use, or that this host looks after. */
  externals?: ExternalAssignment[]
  /** Copies that are to go with their data, each by name and up to its epoch: never because some list lacks them. */
  droppedServers?: { name: string; epoch: number }[]
  runtimes: RuntimeAssignment[]
  /** The other hosts, for reaching them and for telling control who can be reached. */
  peers: MachineAddress[]
}

export const SHARED_RUNTIME = 'shared'

/** Where a service's requests go. A closed route is answered 503 at once, with the cause. */
export type Route = {
  service: string
  epoch: number
  runtime: string
  to: MachineAddress
  closed: { cause: string; message: string; retryAfterSeconds: number } | null
  /** Requests wait at the gateway: the service is being moved as planned, and is there again in a moment. */
  isHeld?: boolean
  /** What browsers are sent to and told; left out: nothing. `hstsSeconds`: how long they are to come by HTTPS only. */
  https?: { isRedirected: boolean; hstsSeconds: number }
  /** Host names of pages that may call, so that they can read why the gateway refuses; left out by an older control. */
  origins?: string[]
}

/** A host name of a service's own. `certificate`: the thumbprint of the one that is shown for it. */
export type DomainAssignment = { name: string; service: string; certificate: string | null }
/** PEM, the domain's own certificate first. */
export type CertificateAssignment = { thumbprint: string; chain: string; key: string }
/** What an authority asks for on the plain port of a domain, to see whose it is. */
export type ChallengeAssignment = { domain: string; token: string; answer: string }

/** Left out by an older control: there are no domains. */
export type GatewayAssignment = MachineAssignment & {
  routes: Route[]
  hosts: MachineAddress[]
  domains?: DomainAssignment[]
  certificates?: CertificateAssignment[]
  challenges?: ChallengeAssignment[]
}
