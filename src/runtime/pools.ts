// Pools of connections, one for each service, under one budget for the runtime.
import { POOL_CONNECTIONS_MAX, POOL_IDLE_MS, POOL_WAITERS_MAX, RUNTIME_CONNECTIONS_MAX } from '../kit/limits.ts'
import { timedOut, unavailable } from './app-faults.ts'
import { Connection, type ConnectionTarget } from './connection.ts'
import { isLoginRefusal } from './sql-errors.ts'

type Waiter = { resolve: (connection: Connection) => void; reject: (error: unknown) => void; timer: NodeJS.Timeout }
type Idle = { connection: Connection; since: number; timer: NodeJS.Timeout }

/** The connections of all pools of a runtime together. */
export class ConnectionBudget {
  readonly #max: number
  readonly #pools = new Set<Pool>()
  #open = 0

  constructor(max = RUNTIME_CONNECTIONS_MAX) {
    this.#max = max
  }

  get open(): number {
    return this.#open
  }

  /** Requests that wait for a connection. */
  get waiting(): number {
    return [...this.#pools].reduce((sum, pool) => sum + pool.waiting, 0)
  }

  add(pool: Pool): void {
    this.#pools.add(pool)
  }

  remove(pool: Pool): void {
    this.#pools.delete(pool)
  }

  /** Takes a place, closing the least recently used idle connection for it where needed. */
  take(): boolean {
    if (this.#open >= this.#max) {
      const idle = [...this.#pools].filter((pool) => pool.idleSince !== null)
      idle.sort((left, right) => (left.idleSince ?? 0) - (right.idleSince ?? 0))
      idle[0]?.closeOldest()
    }
    if (this.#open >= this.#max) return false
    this.#open += 1
    return true
  }

  giveBack(): void {
    this.#open -= 1
  }

  /** Lets pools that found no place try again. */
  wake(): void {
    for (const pool of this.#pools) if (pool.isStarving) pool.serve()
  }
}

/** One service's connections to its database. */
export class Pool {
  readonly #target: ConnectionTarget
  readonly #budget: ConnectionBudget
  readonly #max: number
  readonly #waiters: Waiter[] = []
  #idle: Idle[] = []
  #open = 0
  #isClosed = false
  /** PostgreSQL did not let the last connection in. */
  isLoginRefused = false

  constructor(target: ConnectionTarget, budget: ConnectionBudget, max = POOL_CONNECTIONS_MAX) {
    this.#target = target
    this.#budget = budget
    this.#max = max
    budget.add(this)
  }

  /** Since when its oldest idle connection is unused; null without one. */
  get idleSince(): number | null {
    return this.#idle[0]?.since ?? null
  }

  get waiting(): number {
    return this.#waiters.length
  }

  /** True while requests wait though the pool itself could open more. */
  get isStarving(): boolean {
    return this.#waiters.length > 0 && this.#open < this.#max
  }

  /** A connection of one's own until `release`. 503 when none is to be had by `deadline` (`performance.now`). */
  async acquire(deadline: number): Promise<Connection> {
    if (this.#isClosed) throw unavailable('The service has moved.')
    if (this.#waiters.length >= POOL_WAITERS_MAX) throw unavailable('Too many requests wait for the database.')
    return await new Promise<Connection>((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
          reject(timedOut())
        },
        Math.max(0, deadline - performance.now()),
      )
      const waiter: Waiter = { resolve, reject, timer }
      this.#waiters.push(waiter)
      this.serve()
    })
  }

  release(connection: Connection): void {
    if (this.#isClosed || connection.isWornOut) {
      connection.close()
      this.#forget()
      return
    }
    const timer = setTimeout(() => this.#closeIdle(connection), POOL_IDLE_MS)
    timer.unref()
    this.#idle.push({ connection, since: performance.now(), timer })
    this.serve()
    // Another service may have waited for a place.
    if (this.#idle.length > 0) this.#budget.wake()
  }

  /** Gives waiting requests what there is, and opens what may be opened. */
  serve(): void {
    while (this.#waiters.length > 0) {
      const idle = this.#idle.pop()
      if (idle) {
        clearTimeout(idle.timer)
        this.#nextWaiter()?.resolve(idle.connection)
        continue
      }
      if (this.#open >= this.#max || !this.#budget.take()) return
      this.#open += 1
      const waiter = this.#nextWaiter()
      if (waiter) this.#openFor(waiter)
    }
  }

  closeOldest(): void {
    const oldest = this.#idle[0]
    if (oldest) this.#closeIdle(oldest.connection)
  }

  /** Ends idle connections now and busy ones as they come back; who waits is refused. */
  close(): void {
    this.#isClosed = true
    this.#budget.remove(this)
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer)
      waiter.reject(unavailable('The service has moved.'))
    }
    for (const { connection } of [...this.#idle]) this.#closeIdle(connection)
  }

  #openFor(waiter: Waiter): void {
    Connection.open(this.#target, (broken) => this.#closeIdle(broken)).then(
      (connection) => {
        this.isLoginRefused = false
        waiter.resolve(connection)
      },
      (error) => {
        this.isLoginRefused = isLoginRefusal(error)
        this.#forget()
        // Nothing was sent yet, so this is known: not done.
        waiter.reject(unavailable('The database cannot be reached.', error))
      },
    )
  }

  #nextWaiter(): Waiter | undefined {
    const waiter = this.#waiters.shift()
    if (waiter) clearTimeout(waiter.timer)
    return waiter
  }

  #closeIdle(connection: Connection): void {
    const index = this.#idle.findIndex((idle) => idle.connection === connection)
    // A busy one is closed by who releases it.
    if (index < 0) return
    const [idle] = this.#idle.splice(index, 1)
    if (idle) clearTimeout(idle.timer)
    connection.close()
    this.#forget()
  }

  #forget(): void {
    this.#open -= 1
    this.#budget.giveBack()
    if (this.#isClosed) this.#budget.wake()
    else {
      this.serve()
      this.#budget.wake()
    }
  }
}
