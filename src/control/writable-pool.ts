// Connections to whichever host of the control database takes writes. The driver knows one host only, and keeps
// connections to one that was demoted: what breaks or turns read-only is dropped here, and the hosts are asked again.
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { DatabaseHost } from '../contract/external-server.ts'
import { askOnce, type HostFinding, sslOf } from '../databases/database-host.ts'
import { type DatabaseTarget, isLocal, placeOf } from '../databases/database-url.ts'
import { isElsewhereNow } from '../databases/lost-connection.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import {
  CONTROL_CONNECTIONS_MAX,
  CONTROL_DATABASE_DIAL_MS_MAX,
  CONTROL_DATABASE_FIND_MS_MAX,
  CONTROL_LOCK_MS_MAX,
  CONTROL_QUERY_MS_MAX,
  CONTROL_TRANSACTION_IDLE_MS_MAX,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { lostFault, noneFault } from './database-faults.ts'
import { poolClient } from './pool-client.ts'

const LOOK_AGAIN_MS = 200
// Opening one costs a process there and a proof of the password; heartbeats come every second.
const IDLE_MS = 60_000

export class WritablePool implements PostgresPool {
  /** The dialect asks for it; what it would use it for (cancelling from a second connection) we do not. */
  readonly options = {}
  readonly #target: DatabaseTarget
  readonly #log: Log
  #current: pg.Pool | null = null
  #at: DatabaseHost | null = null
  #answeredAt = Number.NEGATIVE_INFINITY
  #finding: Promise<pg.Pool> | null = null
  #isEnded = false

  constructor(target: DatabaseTarget, log: Log) {
    this.#target = target
    this.#log = log
  }

  /** Asks every host once; faults with what is wrong when none can be used. */
  async open(): Promise<void> {
    await this.#writable()
  }

  /** A connection to the writable host, waiting a moment for there to be one. Faults with `control.database_*`. */
  async connect(): Promise<PostgresPoolClient> {
    const deadline = performance.now() + CONTROL_DATABASE_FIND_MS_MAX
    for (;;) {
      try {
        const pool = await this.#writable()
        return this.#watched(await this.#clientOf(pool), pool)
      } catch (error) {
        if (performance.now() >= deadline || this.#isEnded) throw error
      }
      await pause(LOOK_AGAIN_MS)
    }
  }

  async end(): Promise<void> {
    this.#isEnded = true
    const pool = this.#current
    this.#current = null
    await pool?.end()
  }

  /** A connection of its own, outside the pool: for long work such as an archive. The caller ends it. */
  async dedicated(): Promise<pg.Client> {
    await this.#writable()
    const at = this.#at
    if (!at) throw lostFault(new Error('it went away just now'))
    const client = new pg.Client({ ...settingsFor(this.#target, at), query_timeout: 0 })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async #clientOf(pool: pg.Pool): Promise<pg.PoolClient> {
    try {
      return await pool.connect()
    } catch (error) {
      // All in use, or slow while others are answered, is not the host's end: giving all connections up would make it
      // slower yet. Anything else is reason to look for another.
      const isAnswering = performance.now() - this.#answeredAt < CONTROL_DATABASE_DIAL_MS_MAX
      const isBusy = pool.totalCount >= CONTROL_CONNECTIONS_MAX || (isAnswering && isTimeout(error))
      if (isBusy) throw busyFault()
      this.#evict(pool, error)
      throw lostFault(error)
    }
  }

  async #writable(): Promise<pg.Pool> {
    if (this.#current) return this.#current
    // Those who come meanwhile share one search.
    this.#finding ??= this.#find().finally(() => {
      this.#finding = null
    })
    return await this.#finding
  }

  async #find(): Promise<pg.Pool> {
    const found: { at: DatabaseHost; finding: HostFinding }[] = []
    for (const at of this.#target.hosts) {
      const finding = await askOnce({ ...settingsFor(this.#target, at), query_timeout: CONTROL_DATABASE_DIAL_MS_MAX })
      if (finding.kind === 'writable') return this.#use(at)
      found.push({ at, finding })
    }
    throw noneFault(this.#target, found)
  }

  #use(at: DatabaseHost): pg.Pool {
    const pool = new pg.Pool({
      ...settingsFor(this.#target, at),
      max: CONTROL_CONNECTIONS_MAX,
      idleTimeoutMillis: IDLE_MS,
    })
    pool.on('error', (error) => this.#evict(pool, error))
    this.#current = pool
    this.#at = at
    this.#log.info({ at: placeOf(at) }, 'the control database is writable here')
    return pool
  }

  #evict(pool: pg.Pool, error: unknown): void {
    if (this.#current !== pool) return
    this.#current = null
    this.#log.warn({ err: error }, 'the control database is given up at this host; looking for a writable one')
    // Its connections end as they come back; what happens to them matters to nobody any more.
    pool.end().catch(() => {})
  }

  // The dialect's idea of a client; the same object for the whole time that it is lent.
  #watched(client: pg.PoolClient, pool: pg.Pool): PostgresPoolClient {
    let isBroken = false
    // One that breaks while nothing is asked of it emits an error, which nobody else hears while it is lent.
    const onError = () => {
      isBroken = true
    }
    client.on('error', onError)
    const run = async (sql: string, parameters: readonly unknown[]) => {
      try {
        const answer = await client.query(sql, [...parameters])
        this.#answeredAt = performance.now()
        return answer
      } catch (error) {
        if (!isElsewhereNow(error)) throw error
        isBroken = true
        if (!isOwnPause(error)) this.#evict(pool, error)
        throw lostFault(error)
      }
    }
    return poolClient(run, (destroy) => {
      client.removeListener('error', onError)
      client.release(isBroken || destroy)
    })
  }
}

function settingsFor(target: DatabaseTarget, at: DatabaseHost): pg.ClientConfig {
  const tls = target.tls ?? (isLocal(at) ? 'disable' : 'require')
  return {
    host: at.host,
    port: at.port,
    user: target.user,
    password: target.password,
    database: target.database,
    connectionTimeoutMillis: CONTROL_DATABASE_DIAL_MS_MAX,
    query_timeout: CONTROL_QUERY_MS_MAX,
    idle_in_transaction_session_timeout: CONTROL_TRANSACTION_IDLE_MS_MAX,
    lock_timeout: CONTROL_LOCK_MS_MAX,
    keepAlive: true,
    application_name: 'mainstay control',
    ...sslOf(tls, null),
  }
}

// We were paused in the middle of a transaction: the connection is gone, its host is as good as before.
function isOwnPause(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '25P03' || error.code === '57P05')
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /timeout/.test(error.message)
}

function busyFault(): Fault {
  return new Fault('control.database_busy', 503, 'all connections to the control database are in use', {
    hint: 'Try again in a moment.',
  })
}
