// A service's database: statements over its pool, tried again where that is safe.
import { randomInt } from 'node:crypto'
import type pg from 'pg'
import { pause } from '../kit/clock.ts'
import { STATEMENT_ATTEMPTS_MAX } from '../kit/limits.ts'
import { timedOut } from './app-faults.ts'
import type { Connection } from './connection.ts'
import type { Pool } from './pools.ts'
import { ruleOf } from './sql-errors.ts'
import type { Statement } from './table-sql.ts'

/** What a request may still do, and whether a write of it is on its way: then giving up leaves its outcome unknown. */
export type Work = { deadline: number; isWriteInFlight: boolean }

const BACKOFF_MS = 20

export class AppDatabase {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Runs one statement, in a transaction of its own. Throws what `pg` throws, or a Fault when nothing was sent. */
  async run<Row extends pg.QueryResultRow>(statement: Statement, work: Work): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#withConnection(work, async (connection) => {
          work.isWriteInFlight = statement.isWrite
          const startedAt = performance.now()
          const rows = await connection.query<Row>(statement)
          statement.onDone?.(performance.now() - startedAt)
          return rows
        })
      } catch (error) {
        const { retry } = ruleOf(error)
        const isSafe = retry === 'again' || (retry === 'reconnect' && !statement.isWrite)
        if (!isSafe || attempt >= STATEMENT_ATTEMPTS_MAX) throw error
        if (retry === 'again') await pause(randomInt(BACKOFF_MS) * attempt)
      }
    }
  }

  /** Runs several statements in one transaction, once. */
  async transaction<T>(work: Work, steps: (connection: Connection) => Promise<T>): Promise<T> {
    return await this.#withConnection(work, async (connection) => {
      await connection.execute('begin')
      try {
        const result = await steps(connection)
        await connection.execute('commit')
        return result
      } catch (error) {
        // A connection that cannot roll back is none to give to others.
        await connection.execute('rollback').catch(() => connection.markBroken())
        throw error
      }
    })
  }

  /** PostgreSQL answered last, and did not let the service in. */
  get isLoginRefused(): boolean {
    return this.#pool.isLoginRefused
  }

  /** Ends its connections. */
  close(): void {
    this.#pool.close()
  }

  async #withConnection<T>(work: Work, use: (connection: Connection) => Promise<T>): Promise<T> {
    if (performance.now() >= work.deadline) throw timedOut()
    const connection = await this.#pool.acquire(work.deadline)
    try {
      // The wait may have used up the time: then nothing is sent that nobody waits for.
      if (performance.now() >= work.deadline) throw timedOut()
      return await use(connection)
    } catch (error) {
      if (ruleOf(error).isEvicted) connection.markBroken()
      throw error
    } finally {
      work.isWriteInFlight = false
      this.#pool.release(connection)
    }
  }
}
