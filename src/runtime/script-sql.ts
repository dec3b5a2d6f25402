// SQL of scripts against the service's own schema, as its own login: one connection for each statement list, or one that a
// script holds until it closes it or its request is over. What a script changes about a connection ends with its use.
import pg from 'pg'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import { OWN_TABLES } from '../contract/table-format.ts'
import { SANDBOX_MESSAGE_BYTES_MAX, SCRIPT_ROWS_MAX, SCRIPT_SQL_STATEMENTS_MAX } from '../kit/limits.ts'
import type { AskOutcome, SqlAsk, SqlResult, WireValue } from '../sandbox/messages.ts'
import { BYTES_KEY, DATE_KEY } from '../sandbox/wire.ts'
import type { AppDatabase } from './app-database.ts'
import { badRequest, timedOut } from './app-faults.ts'
import type { Connection } from './connection.ts'
import type { Pool } from './pools.ts'
import { ruleOf } from './sql-errors.ts'

const NAMES_SQL = `
  select distinct name from (
    select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select a.attname::text
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
  ) names where name <> all($2) limit 10000`

/** What is asked of it is done in turn: `last` is what was asked before. */
type Session = { connection: Connection; last: Promise<unknown> }
type Deps = { assignment: RuntimeService; database: AppDatabase; sqlPool: Pool }

const STOP_MS = 5_000

export class ScriptSql {
  readonly #deps: Deps
  readonly #deadline: number
  readonly #sessions = new Map<number, Session>()
  /** Those that run a statement now. */
  readonly #busy = new Set<Connection>()
  #lastSession = 0
  #isOver = false

  /** `deadline` (`performance.now`): no statement goes on beyond it. */
  constructor(deps: Deps, deadline: number) {
    this.#deps = deps
    this.#deadline = deadline
  }

  /** Carries out what a script asks for. Throws Faults, and what `pg` throws. */
  async carryOut(what: SqlAsk): Promise<AskOutcome> {
    switch (what.op) {
      case 'sql_names':
        return await this.#names()
      case 'sql_open':
        return { kind: 'session', session: await this.#open() }
      case 'sql_close': {
        const session = this.#take(what.session)
        await this.#inTurn(session, async () => await this.#giveBack(session.connection))
        return { kind: 'done' }
      }
      case 'sql': {
        if (what.session !== null) {
          const session = this.#sessionOf(what.session)
          const work = async () => await this.#runAll(session.connection, what)
          return { kind: 'results', results: await this.#inTurn(session, work) }
        }
        const connection = await this.#deps.sqlPool.acquire(this.#deadline)
        try {
          return { kind: 'results', results: await this.#runAll(connection, what) }
        } finally {
          await this.#giveBack(connection)
        }
      }
    }
  }

  /** Ends what the script left open, or under way: its request is over. */
  end(): void {
    this.#isOver = true
    for (const connection of this.#busy) this.#stop(connection)
    for (const number of [...this.#sessions.keys()]) {
      // What it began and did not commit is rolled back with the connection.
      const session = this.#take(number)
      session.connection.markBroken()
      this.#inTurn(session, async () => this.#deps.sqlPool.release(session.connection)).catch(() => {
        // What was under way failed, and was told.
      })
    }
  }

  async #inTurn<T>(session: Session, work: () => Promise<T>): Promise<T> {
    const done = session.last.then(work, work)
    session.last = done.catch(() => {})
    return await done
  }

  async #names(): Promise<AskOutcome> {
    const { assignment, database } = this.#deps
    const { schema } = assignment.database
    const work = { deadline: this.#deadline, isWriteInFlight: false }
    const statement = { text: NAMES_SQL, values: [schema, `{${OWN_TABLES.join(',')}}`], isWrite: false }
    const rows = await database.run<{ name: string }>(statement, work)
    // The original's schemas had the service's name, with other letters replaced.
    const aliases = [assignment.name, assignment.name.replaceAll('-', '_'), 'dbo', schema]
    return { kind: 'names', schema, aliases, names: rows.map(({ name }) => name) }
  }

  async #open(): Promise<number> {
    const connection = await this.#deps.sqlPool.acquire(this.#deadline)
    if (this.#isOver) {
      this.#deps.sqlPool.release(connection)
      throw timedOut()
    }
    this.#lastSession += 1
    this.#sessions.set(this.#lastSession, { connection, last: Promise.resolve() })
    return this.#lastSession
  }

  #sessionOf(session: unknown): Session {
    const found = this.#sessions.get(Number(session))
    if (found) return found
    throw badRequest('The connection is closed.')
  }

  #take(number: unknown): Session {
    const session = this.#sessionOf(number)
    this.#sessions.delete(Number(number))
    return session
  }

  async #runAll(connection: Connection, { statements }: Extract<SqlAsk, { op: 'sql' }>): Promise<SqlResult[]> {
    if (!Array.isArray(statements) || statements.length > SCRIPT_SQL_STATEMENTS_MAX) {
      throw badRequest(`At most ${SCRIPT_SQL_STATEMENTS_MAX} statements can be run at once.`)
    }
    const results: SqlResult[] = []
    let bytesMax = SANDBOX_MESSAGE_BYTES_MAX
    for (const { text, values } of statements) {
      const given = Array.isArray(values) ? values.map(parameterOf) : []
      results.push(await this.#run(connection, { text: String(text), values: given, bytesMax }))
      bytesMax -= connection.receivedBytes
    }
    return results
  }

  async #run(
    connection: Connection,
    statement: { text: string; values: unknown[]; bytesMax: number },
  ): Promise<SqlResult> {
    const leftMs = this.#deadline - performance.now()
    if (leftMs <= 0) throw timedOut()
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#stop(connection)
        reject(timedOut())
      }, leftMs)
    })
    this.#busy.add(connection)
    try {
      const query = { ...statement, types: TYPES, rowsMax: SCRIPT_ROWS_MAX }
      return resultOf(await Promise.race([connection.readRows(query), limit]))
    } catch (error) {
      if (ruleOf(error).isEvicted) connection.markBroken()
      if (connection.isBroken) this.#stop(connection)
      throw error
    } finally {
      clearTimeout(timer)
      this.#busy.delete(connection)
    }
  }

  // The server goes on with what nobody waits for, even beyond a time limit that the statement lifted: its process is
  // ended. That may only be done as the login itself, not as the owner that it is here.
  #stop(connection: Connection): void {
    const { processId } = connection
    connection.markBroken()
    connection.close()
    const work = { deadline: performance.now() + STOP_MS, isWriteInFlight: false }
    this.#deps.database
      .transaction(work, async (own) => {
        await own.execute('set local role none')
        await own.execute(`select pg_terminate_backend(${Number(processId)})`)
      })
      .catch(() => {
        // It is gone, or the server is: there is nothing to end then.
      })
  }

  // Settings, temporary tables, locks: nothing of it may be there for the next one.
  async #giveBack(connection: Connection): Promise<void> {
    try {
      if (!connection.isBroken) {
        await connection.execute('discard all')
        await connection.execute('reset role')
      }
    } catch {
      // In a transaction that was left open, or broken.
      connection.markBroken()
    }
    this.#deps.sqlPool.release(connection)
  }
}

// ---- values

function parameterOf(value: WireValue): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  const { [DATE_KEY]: date, [BYTES_KEY]: bytes } = value as Record<string, unknown>
  if (typeof date === 'string') return date
  if (typeof bytes === 'string') return Buffer.from(bytes, 'base64')
  throw badRequest('A value of SQL is a string, number, boolean, date, buffer or null, and nothing else.')
}

function numberOf(text: string): number | string {
  const number = Number(text)
  // What a number of JavaScript cannot hold stays as it is written.
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number
}

function dateOf(text: string): unknown {
  const time = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ)(text) as unknown
  return time instanceof Date && !Number.isNaN(time.getTime()) ? { [DATE_KEY]: time.toISOString() } : text
}

const { BOOL, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, OID, BYTEA, JSON: JSON_TYPE, JSONB } = pg.types.builtins
const { TIMESTAMP, TIMESTAMPTZ } = pg.types.builtins
const PARSERS = new Map<number, (text: string) => unknown>([
  [BOOL, (text) => text === 't'],
  ...[INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, OID].map((type) => [type, numberOf] as const),
  [TIMESTAMPTZ, dateOf],
  [TIMESTAMP, (text) => dateOf(`${text}+00`)],
  [BYTEA, (text) => ({ [BYTES_KEY]: Buffer.from(text.replace(/^\\x/, ''), 'hex').toString('base64') })],
  [JSON_TYPE, (text) => JSON.parse(text)],
  [JSONB, (text) => JSON.parse(text)],
])
const TYPES = { getTypeParser: (type: number) => PARSERS.get(type) ?? ((text: string) => text) }
const TYPE_NAMES = new Map(
  Object.entries(pg.types.builtins).map(([name, type]) => [type as number, name.toLowerCase()]),
)

function resultOf({ fields, rows, rowCount }: Awaited<ReturnType<Connection['readRows']>>): SqlResult {
  const columns = fields.map(({ name, dataTypeID }) => ({ name, type: TYPE_NAMES.get(dataTypeID) ?? 'text' }))
  return { columns, rows, count: rowCount }
}

/** The SQLSTATE of an error of PostgreSQL, and what it says: it is about the script's own SQL. */
export function sqlProblem(error: unknown): { message: string; sqlState: string } | null {
  if (!(error instanceof pg.DatabaseError)) return null
  return { message: error.message, sqlState: error.code ?? '' }
}

/** True for what a script asks of SQL, not of tables. */
export function isSqlAsk(what: { op: string }): what is SqlAsk {
  return what.op === 'sql' || what.op.startsWith('sql_')
}
