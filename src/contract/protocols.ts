// The protocols behind a machine's door (ALPN), their targets, and the headers and paths that only our processes use.

/** The version of what machines say to each other. Version 2 brought renewed certificates and revoked machines. */
export const PROTOCOL_VERSION = 2
/** The oldest version that is spoken: the one before, so that a cloud is upgraded machine by machine, control first. */
export const PROTOCOL_VERSION_MIN = 1
/** Version 1 did not name itself in assignments. */
export const PROTOCOL_VERSION_UNNAMED = 1

/** True when this process can talk with one of that version. */
export function isSpoken(version: number): boolean {
  return versionProblem(version) === null
}

/** Why this process cannot talk with one of that version; null when it can. What is no version at all is too old. */
export function versionProblem(version: number): 'too_old' | 'too_new' | null {
  if (!Number.isInteger(version) || version < PROTOCOL_VERSION_MIN) return 'too_old'
  return version > PROTOCOL_VERSION ? 'too_new' : null
}

/** The version to write to a machine that speaks `theirs`: the highest that both know. */
export function versionToSpeak(theirs: number): number {
  return Math.min(theirs, PROTOCOL_VERSION)
}

/** HTTP to control, by machines that hold a certificate. */
export const CONTROL_PROTOCOL = 'mainstay-control'
/** HTTP to control, by a machine that has only a join token. */
export const JOIN_PROTOCOL = 'mainstay-join'
/** HTTP to a host or gateway: assignments down, facts up, proof of leases. */
export const ORDERS_PROTOCOL = 'mainstay-orders'
/** HTTP of apps, spliced to a runtime; the target is the runtime's name. */
export const RUNTIME_PROTOCOL = 'mainstay-runtime'
/** Tells a gateway on the same machine where that runtime's sockets are: a way past the door, as long as it is held. */
export const RUNTIME_SHORTCUTS_PROTOCOL = 'mainstay-runtime-shortcuts'
/** PostgreSQL's own protocol, spliced to a server's socket; the target is the server's name. */
export const SQL_PROTOCOL = 'mainstay-sql'
/** HTTP of apps, spliced to a gateway's own public listener, so that control can prove a URL through it. */
export const PUBLIC_PROTOCOL = 'mainstay-public'

/** Gateway → runtime: the epoch that the route was made under. */
export const EPOCH_HEADER = 'x-mainstay-epoch'
/** Gateway → runtime: the service that was meant, since the host header is the app's own. */
export const SERVICE_HEADER = 'x-mainstay-service'
/** Gateway → runtime: what the client's path began with before the service's own, for URLs in answers. */
export const PREFIX_HEADER = 'x-mainstay-prefix'
/** Runtime → gateway: this request was refused before any work, for this reason; it may be sent again elsewhere. */
export const REFUSED_HEADER = 'x-mainstay-refused'
/** What a client may not send: the gateway drops these. */
export const INTERNAL_HEADER_PREFIX = 'x-mainstay-'
/** `1` on what our own processes ask of a runtime: no script runs for it. The gateway drops it from what clients send. */
export const INTERNAL_HEADER = 'x-mainstay-internal'
/** The only value of REFUSED_HEADER so far. */
export const EPOCH_STALE = 'epoch-stale'

/** Below a service's URL, with its master key: writes and reads our own probe row. Not a table, script or API name. */
export const PROBE_PATH = '/.mainstay/probe'
/** Beside it, for operators: deletes the rows of a table, some at a time. */
export const TRUNCATE_PATH = '/.mainstay/truncate'
/** Beside it, for operators: how the runs of jobs went. */
export const JOBS_PATH = '/.mainstay/jobs'
/** Beside it, for operators: devices that push notifications go to, and how the newest messages went. */
export const PUSH_PATH = '/.mainstay/push'
/** Of a runtime itself: what it serves and whether it reaches its databases. */
export const RUNTIME_HEALTH_PATH = '/.mainstay/health'
/** A gateway → control: what apps asked of each service (`UsageReport`). */
export const MACHINE_USAGE_PATH = '/machine/usage'
/** A gateway → control: the Service Dashboard as it stands. */
export const MACHINE_DASHBOARD_PATH = '/machine/service-dashboard'
/** Of control's door, for hosts: the text of a script by its hash follows. */
export const MACHINE_SCRIPTS_PATH = '/machine/scripts/'
/** Of control's door, for hosts: npm modules by their hash, which follows, and their parts by number. */
export const MACHINE_NPM_MODULES_PATH = '/machine/npm-modules/'
/** The path form of a service's URL. */
export const SERVICES_PATH = '/services/'
