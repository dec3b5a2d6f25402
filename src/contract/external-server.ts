// External servers: somebody else's PostgreSQL, which runs, fails over and is backed up without us. We reach it by its URL.
import type { SchemaAssignment } from './assignment.ts'

/** One place to try. `host` is a name, an address, or (control's own database only) the folder of a unix socket. */
export type DatabaseHost = { host: string; port: number }

/** `require` encrypts without asking who answers; `verify-full` also checks the certificate and its name. */
export type TlsMode = 'disable' | 'require' | 'verify-full'

/** `ca`: certificates of the authorities that its own may be signed by, as PEM; null: the usual ones. */
export type ExternalEndpoint = {
  hosts: DatabaseHost[]
  user: string
  password: string
  database: string
  tls: TlsMode
  ca: string | null
}

/**
 * An external server as a host is told of it. `duty` is what one host at a time does for it: making schemas as they are
 * assigned, telling how it stands. All others only serve from it.
 */
export type ExternalAssignment = {
  name: string
  epoch: number
  endpoint: ExternalEndpoint
  duty: { cloud: string; schemas: SchemaAssignment[] } | null
}

/** What one of its hosts was found to be. */
export type ExternalHostState = 'writable' | 'read_only' | 'too_old' | 'unreachable'

/** `place` as `db1.example.com:5432`. `problem`: why it is no good, in words. */
export type ExternalHostFacts = { place: string; state: ExternalHostState; problem: string | null }

/** What its owner's replication shows: `lagMs` null where it follows without telling. */
export type ExternalStandbyFacts = { name: string; lagBytes: number; lagMs: number | null }

/** What can be seen of it. `at`: the host that takes writes, null while there is none. */
export type ExternalFacts = {
  at: string | null
  version: string | null
  isEncrypted: boolean
  hosts: ExternalHostFacts[]
  /** Null where our role may not see them. */
  standbys: ExternalStandbyFacts[] | null
}

/** What we leave in a database that we look after: whose it is, as which server, and a word that tells copies apart. */
export type ExternalMark = { cloud: string; server: string; token: string }

/** Asked of a host before a server is attached, or to learn how far away it is. */
export type CheckExternalRequest = { endpoint: ExternalEndpoint }

/** `problems`: what it lacks to be of use, in words. */
export type CheckExternalAnswer = {
  at: string
  version: string
  hosts: ExternalHostFacts[]
  dataBytes: number
  roundTripMs: number
  mark: ExternalMark | null
  problems: string[]
}

/** Writes our mark. */
export type MarkExternalRequest = { endpoint: ExternalEndpoint; cloud: string; server: string }

/** Has the host that looks after a server write a new word into its mark. */
export type TokenAnswer = { token: string }
