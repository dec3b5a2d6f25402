// The promoted server's tables and rows, as they are today.
import type pg from 'pg'
import { ID_COLUMN } from '../../contract/table-format.ts'
import { quoteIdentifier as id } from '../../kit/identifiers.ts'
import { raiseIdentity } from '../identities.ts'
import { foldId, STAMPS } from './classify.ts'
import { queryRows } from './row-text.ts'
import type { Row } from './stranded.ts'

/** A table by name; `columns` is null where there is none. `hasIdentity`: its ids are integers that PostgreSQL gives. */
export type TodaysTable = { schema: string; table: string; columns: string[] | null; hasIdentity: boolean }

/** Looks each table up once: columns that come or go meanwhile show as statements that PostgreSQL refuses. */
export class TodaysTables {
  readonly #client: pg.Client
  readonly #found = new Map<string, TodaysTable>()

  constructor(client: pg.Client) {
    this.#client = client
  }

  /** Its columns in their order. */
  async find(schema: string, table: string): Promise<TodaysTable> {
    const key = JSON.stringify([schema, table])
    const known = this.#found.get(key)
    if (known) return known
    const { rows } = await this.#client.query<{ name: string; isIdentity: boolean }>(
      `select a.attname as name, a.attidentity <> '' as "isIdentity"
         from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
        where n.nspname = $1 and c.relname = $2 and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
        order by a.attnum`,
      [schema, table],
    )
    const columns = rows.length === 0 ? null : rows.map(({ name }) => name)
    const hasIdentity = rows.some(({ name, isIdentity }) => isIdentity && name === ID_COLUMN)
    const found = { schema, table, columns, hasIdentity }
    this.#found.set(key, found)
    return found
  }

  /** Today's rows with these ids, by their folded ids. */
  async readRows(table: TodaysTable, ids: string[]): Promise<Map<string, Row>> {
    if (!table.columns?.includes(ID_COLUMN)) return new Map()
    const rows = await queryRows(this.#client, `${selectSql(table)} = any($1)`, [ids])
    return new Map(rows.map((row) => [foldId(row[ID_COLUMN] ?? ''), row]))
  }

  /** Today's row, which nobody else can change before our transaction ends. */
  async lockRow(table: TodaysTable, key: string): Promise<Row | null> {
    return (await queryRows(this.#client, `${selectSql(table)} = $1 for update`, [key]))[0] ?? null
  }

  /** Makes the row what `after` says, or no row. Gives it as it is then, with its new stamps. */
  async writeRow(table: TodaysTable, today: Row | null, after: Row | null): Promise<Row | null> {
    const key = today?.[ID_COLUMN] ?? null
    if (after === null) {
      if (key !== null) await this.#client.query(`delete from ${nameSql(table)} where ${id(ID_COLUMN)} = $1`, [key])
      return null
    }
    const columns = (table.columns ?? []).filter((name) => after[name] !== undefined && !STAMPS.includes(name))
    const values = columns.map((name) => after[name])
    const returning = `returning ${columnsSql(table)}`
    const text =
      key === null
        ? `insert into ${nameSql(table)} (${columns.map(id).join(', ')})
           values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) ${returning}`
        : `update ${nameSql(table)} set ${columns.map((name, index) => `${id(name)} = $${index + 1}`).join(', ')}
            where ${id(ID_COLUMN)} = $${columns.length + 1} ${returning}`
    const [written] = await queryRows(this.#client, text, key === null ? values : [...values, key])
    if (key === null && table.hasIdentity) await raiseIdentity(this.#client, table)
    return written ?? null
  }
}

function selectSql(table: TodaysTable): string {
  return `select ${columnsSql(table)} from ${nameSql(table)} where ${id(ID_COLUMN)}`
}

function columnsSql({ columns }: TodaysTable): string {
  return (columns ?? []).map(id).join(', ')
}

function nameSql({ schema, table }: TodaysTable): string {
  return `${id(schema)}.${id(table)}`
}
