// Rows of an export into the empty tables of a service: one transaction, which is there whole or not at all.
import type pg from 'pg'
import type { ExportedColumn, ExportedTable, ImportedRows } from '../contract/service-export.ts'
import {
  COLUMN_TYPES,
  CREATED_AT_COLUMN,
  DELETED_COLUMN,
  DELETED_COLUMN_SQL,
  ID_COLUMN,
  isReservedColumn,
  TEXT_COLLATION,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
} from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'
import { IMPORT_BATCH_BYTES, IMPORT_BATCH_ROWS } from '../kit/limits.ts'
import { sequenceOf } from './app-schema.ts'
import { raiseIdentity } from './identities.ts'
import { newestStamp } from './service-contents.ts'
import { raiseStampsAbove } from './stamps.ts'

export type ImportedTable = ExportedTable & { idType?: 'integer' }

const ROW = /^\{"table":("(?:[^"\\]|\\.)*"),"row":(\{.*\})\}$/s

/**
 * Takes lines of rows until they end. Stamps and versions stay what they were, and new ones begin above them. Faults
 * with `import.damaged` for what is no row, `import.bad_column`, or `import.not_empty` for a table that has rows.
 */
export async function importRows(
  client: pg.Client,
  into: { schema: string; tables: ImportedTable[] },
  lines: AsyncIterable<string>,
): Promise<ImportedRows> {
  await client.query('begin')
  try {
    const tables = new Map<string, Batch>()
    for (const table of into.tables) {
      await prepare(client, into.schema, table)
      tables.set(table.name, new Batch(client, into.schema, table))
    }
    for (const name of tables.keys()) await setStamping(client, { schema: into.schema, name, isOn: false })
    for await (const line of lines) await take(tables, line)
    const rows: ImportedRows['rows'] = {}
    for (const [name, batch] of tables) rows[name] = await batch.finish()
    for (const name of tables.keys()) await setStamping(client, { schema: into.schema, name, isOn: true })
    await raise(client, into)
    await client.query('commit')
    return { rows }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

// Seen by nobody else: it is one transaction, on a table that is locked.
async function setStamping(
  client: pg.Client,
  { schema, name, isOn }: { schema: string; name: string; isOn: boolean },
): Promise<void> {
  await client.query(`alter table ${id(schema)}.${id(name)} ${isOn ? 'enable' : 'disable'} trigger user`)
}

async function take(tables: Map<string, Batch>, line: string): Promise<void> {
  const [, name, row] = ROW.exec(line) ?? []
  const batch = name === undefined ? undefined : tables.get(JSON.parse(name) as string)
  if (!batch || row === undefined) {
    throw new Fault('import.damaged', 400, `this is no row of the export's tables: ${line.slice(0, 80)}`)
  }
  await batch.add(row)
}

async function prepare(client: pg.Client, schema: string, table: ImportedTable): Promise<void> {
  const name = `${id(schema)}.${id(table.name)}`
  await client.query(`lock table ${name} in exclusive mode`)
  if ((await client.query(`select 1 from ${name} limit 1`)).rowCount !== 0) {
    throw new Fault('import.not_empty', 409, `${table.name} has rows already`, {
      hint: 'Import into a new mobile service, or empty the table: mainstay mobile data truncate SERVICE TABLE',
    })
  }
  for (const column of table.columns) {
    if (isReservedColumn(column.name)) continue
    const type = column.name === DELETED_COLUMN ? DELETED_COLUMN_SQL : sqlTypeOf(column)
    await client.query(`alter table ${name} add column if not exists ${id(column.name)} ${type}`)
  }
}

// What stands in a file is not to be trusted as SQL.
const SQL_TYPES = new Set([
  'integer',
  'bigint',
  'numeric',
  'real',
  'uuid',
  'jsonb',
  'timestamp with time zone',
  'bytea',
])

function sqlTypeOf({ name, type }: ExportedColumn): string {
  const known = Object.entries(COLUMN_TYPES).find(([word]) => word === type)?.[1]
  if (known !== undefined) return known
  if (SQL_TYPES.has(type)) return type
  throw new Fault('import.bad_column', 400, `column ${name} has a type that cannot be imported: ${type}`)
}

class Batch {
  readonly #client: pg.Client
  readonly #statement: string
  #rows: string[] = []
  #bytes = 0
  #count = 0

  constructor(client: pg.Client, schema: string, table: ImportedTable) {
    this.#client = client
    const columns = [
      { name: ID_COLUMN, sql: table.idType === 'integer' ? 'bigint' : `text collate ${TEXT_COLLATION}` },
      { name: CREATED_AT_COLUMN, sql: 'timestamptz' },
      { name: UPDATED_AT_COLUMN, sql: 'timestamptz' },
      { name: VERSION_COLUMN, sql: 'bigint' },
      ...table.columns
        .filter(({ name }) => !isReservedColumn(name))
        .map((one) => ({ name: one.name, sql: sqlTypeOf(one) })),
    ]
    const names = columns.map(({ name }) => id(name)).join(', ')
    const typed = columns.map(({ name, sql }) => `${id(name)} ${sql}`).join(', ')
    this.#statement =
      `insert into ${id(schema)}.${id(table.name)} (${names}) ` +
      `select ${names} from jsonb_to_recordset($1::jsonb) as row(${typed})`
  }

  async add(row: string): Promise<void> {
    this.#rows.push(row)
    this.#bytes += row.length
    if (this.#rows.length >= IMPORT_BATCH_ROWS || this.#bytes >= IMPORT_BATCH_BYTES) await this.#write()
  }

  /** How many rows were written in all. */
  async finish(): Promise<number> {
    await this.#write()
    return this.#count
  }

  async #write(): Promise<void> {
    if (this.#rows.length === 0) return
    const rows = `[${this.#rows.join(',')}]`
    this.#rows = []
    this.#bytes = 0
    this.#count += (await this.#client.query(this.#statement, [rows])).rowCount ?? 0
  }
}

// What is written from now on is newer than what came along, whatever this machine's clock says.
async function raise(
  client: pg.Client,
  { schema, tables }: { schema: string; tables: ImportedTable[] },
): Promise<void> {
  const sequence = sequenceOf({ schema })
  for (const { name, lastId } of tables) {
    await raiseIdentity(client, { schema, table: name }, lastId === undefined ? {} : { above: lastId })
    await client.query(
      `select setval(${literal(sequence)}::regclass, newest) from (select max(${id(VERSION_COLUMN)}) as newest from ${id(schema)}.${id(name)}) v
        where newest > (select last_value from ${sequence})`,
    )
    const newest = await newestStamp(client, schema, name)
    if (newest !== null) await raiseStampsAbove(client, newest)
  }
}
