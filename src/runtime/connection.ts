// One connection to PostgreSQL: its prepared statements, and whether it is still good.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { DATABASE_CONNECT_MS_MAX, STATEMENT_TIME_SHARE, STATEMENTS_PER_CONNECTION_MAX } from '../kit/limits.ts'
import type { Statement } from './table-sql.ts'

export type ConnectionTarget = { host: string; database: string; user: string; password: string; requestMs: number }

const PORT = 5432

export class Connection {
  readonly #client: pg.Client
  readonly #statements = new Set<string>()
  #isBroken = false

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
    return connection
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** True when it should be replaced rather than used again. */
  get isWornOut(): boolean {
    return this.#isBroken || this.#statements.size > STATEMENTS_PER_CONNECTION_MAX
  }

  /** Runs a statement, prepared under a name made of its text. */
  async query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]> {
    const name = statementName(statement)
    this.#statements.add(name)
    const result = await this.#client.query<Row>({ name, text: statement.text, values: statement.values })
    return result.rows
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

function statementName(statement: Statement): string {
  const hash = createHash('sha256').update(statement.text).digest('hex').slice(0, 32)
  return `m${statement.salt ?? ''}_${hash}`
}
