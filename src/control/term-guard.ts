// What the executor writes, it writes under its term. A process that was paused, or cut off from the database, may wake
// and believe that it still executes: here every one of its transactions first shares the lock of the row that a
// takeover changes. Either it commits before the takeover, or it finds another term there and is refused.
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Fault } from '../kit/fault.ts'
import { poolClient } from './pool-client.ts'

const CHECK = 'select 1 from executor where term = $1 and holder = $2 for share'
const IS_BEGIN = /^(begin|start transaction)\b/
const IS_END = /^(commit|rollback)$/
const IS_READ = /^\s*select\b/i
const IS_READ_ONLY = / read only$/

export class TermGuard implements PostgresPool {
  readonly options = {}
  readonly #base: PostgresPool
  readonly #holder: string
  /** The term under which we execute; null while we do not. */
  term: number | null = null

  constructor(base: PostgresPool, holder: string) {
    this.#base = base
    this.#holder = holder
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#base.connect()
    // What began under one term is not continued under a later one of the same process.
    const term = this.term
    let isInside = false
    const run = async (sql: string, parameters: readonly unknown[]) => {
      if (IS_END.test(sql)) {
        isInside = false
        return await client.query(sql, parameters)
      }
      if (IS_BEGIN.test(sql)) {
        await this.#begin(client, sql, term)
        isInside = true
        return { command: 'BEGIN', rowCount: 0, rows: [] }
      }
      if (isInside || IS_READ.test(sql)) return await client.query(sql, parameters)
      return await this.#alone(client, { sql, parameters, term })
    }
    return poolClient(run, (destroy) => client.release(destroy))
  }

  /** The connections belong to the pool below, which outlives us. */
  async end(): Promise<void> {}

  async #begin(client: PostgresPoolClient, sql: string, term: number | null): Promise<void> {
    await client.query(sql, [])
    if (IS_READ_ONLY.test(sql)) return
    try {
      await this.#check(client, term)
    } catch (error) {
      // A broken connection has rolled back by itself.
      await client.query('rollback', []).catch(() => {})
      throw error
    }
  }

  // A statement outside of any transaction gets one of its own.
  async #alone(
    client: PostgresPoolClient,
    statement: { sql: string; parameters: readonly unknown[]; term: number | null },
  ): Promise<unknown> {
    await this.#begin(client, 'begin', statement.term)
    try {
      const answer = await client.query(statement.sql, statement.parameters)
      await client.query('commit', [])
      return answer
    } catch (error) {
      // A broken connection has rolled back by itself.
      await client.query('rollback', []).catch(() => {})
      throw error
    }
  }

  async #check(client: PostgresPoolClient, term: number | null): Promise<void> {
    const { rows } = term === null ? { rows: [] } : await client.query(CHECK, [term, this.#holder])
    if (rows.length === 1) return
    throw new Fault('operation.taken_over', 409, 'another control process executes by now')
  }
}
