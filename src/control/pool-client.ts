// A client as the database dialect wants it, around a function that carries one statement out.
import type { PostgresCursor, PostgresPoolClient, PostgresQueryResult } from 'kysely'

/** One statement and its answer. */
export type Run = (sql: string, parameters: readonly unknown[]) => Promise<unknown>

/** Wraps `run`; cursors are not offered, since nobody here streams through the dialect. */
export function poolClient(run: Run, release: (destroy: boolean) => void): PostgresPoolClient {
  function query<R>(sql: string, parameters: ReadonlyArray<unknown>): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(statement: unknown, parameters: ReadonlyArray<unknown> = []): unknown {
    if (typeof statement !== 'string') throw new TypeError('the control database is not read by cursors')
    return run(statement, parameters)
  }
  return { query, release: (destroy) => release(destroy === true) }
}
