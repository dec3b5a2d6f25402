// The database of the apps on one server, as orders work on it: our own, or an external one.
import type pg from 'pg'
import type { TableChange, TableChangeResult } from '../contract/table-change.ts'
import { describeTables, type TableDescription } from '../databases/app-schema.ts'
import { isElsewhereNow } from '../databases/lost-connection.ts'
import { changeTable, type TableName } from '../databases/table-change.ts'
import { pause } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { INDEX_ANSWER_MS_MAX, SETUP_LOCK_MS_MAX, SETUP_MS_MAX } from '../kit/limits.ts'

/** Nothing that holds up others may hang on a lock, or on a standby that is gone. */
export const IN_TIME = `-c lock_timeout=${SETUP_LOCK_MS_MAX} -c statement_timeout=${SETUP_MS_MAX}`

export type AppsDatabaseOptions = {
  /** Runs work with a connected client that may change everything of ours in it. */
  withClient: <T>(work: (client: pg.Client) => Promise<T>, options: pg.ClientConfig) => Promise<T>
  /** Faults with `server.not_open` unless it takes writes. */
  requireOpen: () => void
}

export class AppsDatabase {
  readonly #options: AppsDatabaseOptions

  constructor(options: AppsDatabaseOptions) {
    this.#options = options
  }

  /** Columns and row counts of a schema's tables. */
  async describeTables(schema: string): Promise<Record<string, TableDescription>> {
    return await this.#options.withClient(async (client) => await describeTables(client, schema), {
      query_timeout: 2 * SETUP_MS_MAX,
    })
  }

  /** Changes a table's columns, indexes or soft delete. Faults with `server.not_open`. */
  async changeTable(name: TableName, change: TableChange): Promise<TableChangeResult> {
    this.requireOpen()
    const run = async (options: string) =>
      await this.#options.withClient(async (client) => await changeTable(client, name, change), { options })
    const isIndex = change.kind === 'add_index' || change.kind === 'drop_index'
    // A column wants the table for a moment and must not queue up behind a long reader; an index waits as it must.
    const result = isIndex ? await orBuilding(run(''), change.column) : await run(IN_TIME)
    this.requireOpen()
    return result
  }

  /** Runs `work`, however long it takes. Faults with `server.not_open`, also when the connection breaks meanwhile. */
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    this.requireOpen()
    try {
      return await this.#options.withClient(work, {})
    } catch (error) {
      if (!isElsewhereNow(error)) throw error
      throw new Fault('server.not_open', 503, `the connection to the database broke: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** Faults with `server.not_open` unless it takes writes. */
  requireOpen(): void {
    this.#options.requireOpen()
  }
}

// What goes on in the background is told by asking again.
async function orBuilding(work: Promise<TableChangeResult>, column: string): Promise<TableChangeResult> {
  work.catch(() => {})
  return await Promise.race([work, pause(INDEX_ANSWER_MS_MAX).then(() => ({ state: 'building' as const, column }))])
}
