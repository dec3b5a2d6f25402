// The hosts of an external server, asked again and again over kept connections: which of them takes writes now.
import pg from 'pg'
import type {
  DatabaseHost,
  ExternalEndpoint,
  ExternalHostFacts,
  ExternalHostState,
} from '../contract/external-server.ts'
import { messageOf } from '../kit/fault.ts'
import { EXTERNAL_ANSWER_MS_MAX, EXTERNAL_DIAL_MS_MAX } from '../kit/limits.ts'
import { askHost, type HostFinding, POSTGRES_VERSION_MIN, sslOf } from './database-host.ts'
import { placeOf } from './database-url.ts'

export type FoundHost = { at: DatabaseHost; finding: HostFinding }

const STATES: Record<HostFinding['kind'], ExternalHostState> = {
  writable: 'writable',
  read_only: 'read_only',
  too_old: 'too_old',
  failed: 'unreachable',
}

/** A host that takes writes. `timeline`: PostgreSQL's, which is another one after each failover. */
export type WritableHost = { at: DatabaseHost; timeline: number }

/**
 * The host to write to: of several that would take writes the one on the highest timeline, since the others are what it
 * was promoted after; then the first of the URL. Null when there is none.
 */
export function chooseWritable(found: FoundHost[]): WritableHost | null {
  let best: WritableHost | null = null
  for (const { at, finding } of found) {
    if (finding.kind === 'writable' && (best === null || finding.timeline > best.timeline)) {
      best = { at, timeline: finding.timeline }
    }
  }
  return best
}

/** What was found, for people. */
export function hostFactsOf({ at, finding }: FoundHost): ExternalHostFacts {
  const problem =
    finding.kind === 'failed'
      ? messageOf(finding.error)
      : finding.kind === 'too_old'
        ? `it is PostgreSQL ${finding.version}, and ${POSTGRES_VERSION_MIN / 10_000} or newer is needed`
        : null
  return { place: placeOf(at), state: STATES[finding.kind], problem }
}

/** The driver's settings for a host. */
export function settingsOf(endpoint: ExternalEndpoint, at: DatabaseHost): pg.ClientConfig {
  const { user, password, database, tls, ca } = endpoint
  return {
    ...at,
    ...{ user, password, database },
    ...sslOf(tls, ca),
    connectionTimeoutMillis: EXTERNAL_DIAL_MS_MAX,
    query_timeout: EXTERNAL_ANSWER_MS_MAX,
    keepAlive: true,
    application_name: 'mainstay watch',
  }
}

export class ExternalHosts {
  readonly #endpoint: ExternalEndpoint
  readonly #clients = new Map<string, pg.Client>()
  #isClosed = false

  constructor(endpoint: ExternalEndpoint) {
    this.#endpoint = endpoint
  }

  /** Asks all of them at once; takes as long as the slowest, at most a few seconds. */
  async ask(): Promise<FoundHost[]> {
    return await Promise.all(this.#endpoint.hosts.map(async (at) => ({ at, finding: await this.#askOne(at) })))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map(async (client) => await client.end().catch(() => {})))
  }

  async #askOne(at: DatabaseHost): Promise<HostFinding> {
    const place = placeOf(at)
    const known = this.#clients.get(place)
    const client = known ?? new pg.Client(settingsOf(this.#endpoint, at))
    try {
      if (!known) {
        // A connection that breaks emits an error besides failing the query that waits.
        client.on('error', () => {})
        await client.connect()
        this.#clients.set(place, client)
      }
      return await askHost(client)
    } catch (error) {
      this.#clients.delete(place)
      // Not waited for: the other side may never say goodbye.
      client.end().catch(() => {})
      // It may have been restarted since: a new connection tells.
      return known && !this.#isClosed ? await this.#askOne(at) : { kind: 'failed', error }
    } finally {
      if (this.#isClosed) client.end().catch(() => {})
    }
  }
}
