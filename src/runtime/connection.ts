// One connection to PostgreSQL: its prepared statements, and whether it is still good.
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { Fault } from '../kit/fault.ts'
import {
  ANSWER_BYTES_MAX,
  DATABASE_CONNECT_MS_MAX,
  STATEMENT_TIME_SHARE,
  STATEMENTS_PER_CONNECTION_MAX,
} from '../kit/limits.ts'
import type { Statement } from './table-sql.ts'

export type ConnectionTarget = { host: string; database: string; user: string; password: string; requestMs: number }

/** `types`: how values are read. */
export type RowsQuery = {
  text: string
  values: unknown[]
  types: pg.CustomTypesConfig
  rowsMax: number
  bytesMax: number
}

const PORT = 5432
const TOO_MANY_TEXT = 'There is more to be answered than can be at once: ask for fewer rows, or for less of each.'

export class Connection {
  readonly #client: pg.Client
  /** The names of those that are prepared, by salt and text. */
  readonly #statements = new Map<string, string>()
  #isBroken = false
  #receivedBytes = 0
  #bytesMax = ANSWER_BYTES_MAX
  #isTooMuch = false

  private constructor(client: pg.Client, onBroken: (connection: Connection) => void) {
    this.#client = client
    const breakOnce = () => {
      if (this.#isBroken) return
      this.#isBroken = true
      onBroken(this)
    }
    // Also while idle: PostgreSQL says goodbye, or the socket just ends.
    client.on('error', breakOnce)
    client.on('end', breakOnce)
  }

  // What comes back is counted where it comes in: one value alone may be a gigabyte.
  async #bounded<T>(work: () => Promise<T>, bytesMax = ANSWER_BYTES_MAX): Promise<T> {
    this.#receivedBytes = 0
    this.#bytesMax = bytesMax
    const tooMany = () => new Fault('app.too_many_rows', 400, TOO_MANY_TEXT)
    try {
      const result = await work()
      // All of it may have come at once.
      if (this.#isTooMuch) throw tooMany()
      return result
    } catch (error) {
      throw this.#isTooMuch ? tooMany() : error
    }
  }

  #countReceived(): void {
    streamOf(this.#client).on('data', (chunk: Buffer) => {
      this.#receivedBytes += chunk.length
      if (this.#receivedBytes > this.#bytesMax) this.#giveUp()
    })
  }

  #giveUp(): void {
    if (this.#isTooMuch) return
    this.#isTooMuch = true
    this.#isBroken = true
    streamOf(this.#client).destroy()
  }

  /** Connects, or throws what `pg` throws. */
  static async open(target: ConnectionTarget, onBroken: (connection: Connection) => void): Promise<Connection> {
    const statementMs = Math.floor(target.requestMs * STATEMENT_TIME_SHARE)
    const client = new pg.Client({
      host: target.host,
      port: PORT,
      database: target.database,
      user: target.user,
      password: target.password,
      application_name: 'mainstay runtime',
      connectionTimeoutMillis: DATABASE_CONNECT_MS_MAX,
      // PostgreSQL never cuts a commit off with this one: it ends before the commit begins.
      options: `-c timezone=UTC -c statement_timeout=${statementMs}`,
      // For a server that does not answer at all; the connection is given up then.
      query_timeout: target.requestMs + 1_000,
    })
    const connection = new Connection(client, onBroken)
    await client.connect()
    connection.#countReceived()
    return connection
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** True when it should be replaced rather than used again. */
  get isWornOut(): boolean {
    return this.#isBroken || this.#statements.size > STATEMENTS_PER_CONNECTION_MAX
  }

  /** Of the last statement's answer. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** PostgreSQL's process behind it. */
  get processId(): number {
    return (this.#client as pg.Client & { processID: number }).processID
  }

  /** Runs a statement, prepared under a name made of its text. Faults with `app.too_many_rows`. */
  async query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]> {
    const name = this.#nameOf(statement)
    return await this.#bounded(async () => {
      return await new Promise<Row[]>((resolve, reject) => {
        // Not by a config: `pg` would copy that, slowly, for every statement.
        const query = new pg.Query<Row>(statement.text, statement.values, (error, result) =>
          error ? reject(error) : resolve(result.rows),
        )
        this.#client.query(Object.assign(query, { name }))
      })
    })
  }

  #nameOf(statement: Statement): string {
    const key = `${statement.salt ?? ''} ${statement.text}`
    const known = this.#statements.get(key)
    if (known !== undefined) return known
    const name = statementName(statement)
    this.#statements.set(key, name)
    return name
  }

  /** Runs a statement that is not ours: rows as lists, values as `types` reads them. Faults with `app.too_many_rows`. */
  async readRows({ rowsMax, bytesMax, ...asked }: RowsQuery): Promise<pg.QueryArrayResult<unknown[]>> {
    const config = { ...asked, rowMode: 'array', queryMode: 'extended' } as pg.QueryArrayConfig
    let rows = 0
    return await this.#bounded(async () => {
      return await new Promise<pg.QueryArrayResult<unknown[]>>((resolve, reject) => {
        const query = new pg.Query<unknown[]>(config, (error, result) => (error ? reject(error) : resolve(result)))
        query.on('row', () => {
          rows += 1
          if (rows > rowsMax) this.#giveUp()
        })
        this.#client.query(query)
      })
    }, bytesMax)
  }

  /** Runs a statement once, without keeping its plan: transaction control and changes of tables. */
  async execute(text: string): Promise<void> {
    await this.#client.query(text)
  }

  markBroken(): void {
    this.#isBroken = true
  }

  /** Ends it, without waiting: a server that hangs must not hold us. */
  close(): void {
    this.#isBroken = true
    this.#client.end().catch(() => {
      // It is gone already, which is what was wanted.
    })
  }
}

function streamOf(client: pg.Client): Duplex {
  return (client as pg.Client & { connection: { stream: Duplex } }).connection.stream
}

function statementName(statement: Statement): string {
  const hash = createHash('sha256').update(statement.text).digest('hex').slice(0, 32)
  return `m${statement.salt ?? ''}_${hash}`
}
