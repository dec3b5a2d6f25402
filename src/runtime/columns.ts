// The columns that an app's table has now, kept until something shows that they changed. PostgreSQL is who knows.
import { createHash } from 'node:crypto'
import { DELETED_COLUMN, ID_COLUMN, SYSTEM_COLUMNS, VERSION_COLUMN } from '../contract/table-format.ts'
import type { AppDatabase, Work } from './app-database.ts'
import { unavailable } from './app-faults.ts'
import { isReservedName, plainName } from './client-generation.ts'

/** How a column's values are converted, in both directions. */
export type ColumnKind = 'text' | 'number' | 'boolean' | 'date' | 'timestamp' | 'binary' | 'version' | 'other'
export type Column = { name: string; kind: ColumnKind; isNullable: boolean }

/**
 * `width` grows with each added column: a read compares it. `salt` is part of the names of prepared statements, which
 * remember the types that they were made for.
 */
export type TableColumns = { oid: string; width: number; salt: string; list: Column[]; byName: Map<string, Column> }

export type ColumnRow = { oid: string; width: number; name: string; type: string; isNotNull: boolean }

/** One row for each column of a table. */
export const COLUMNS_SQL = `
  select c.oid::text as oid, c.relnatts::int as width, a.attname::text as name,
         format_type(a.atttypid, null) as type, a.attnotnull as "isNotNull"
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid
   where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
   order by a.attnum`

const KINDS: Record<string, ColumnKind> = {
  text: 'text',
  'character varying': 'text',
  character: 'text',
  citext: 'text',
  'double precision': 'number',
  real: 'number',
  numeric: 'number',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  boolean: 'boolean',
  'timestamp with time zone': 'date',
  'timestamp without time zone': 'timestamp',
  bytea: 'binary',
}

/** Reads the rows of COLUMNS_SQL; null when there is no such table. */
export function tableColumns(rows: ColumnRow[], generation: number): TableColumns | null {
  const [first] = rows
  if (!first) return null
  const list = rows.map((row) => ({
    name: row.name,
    kind: row.name === VERSION_COLUMN ? ('version' as const) : (KINDS[row.type] ?? 'other'),
    isNullable: !row.isNotNull,
  }))
  // Where two names differ only in case, the older column is meant: ours never come to that.
  const byName = new Map(list.toReversed().map((column) => [column.name.toLowerCase(), column]))
  const types = rows.map(({ oid, name, type }) => [oid, name, type])
  const hash = createHash('sha256').update(JSON.stringify(types)).digest('hex').slice(0, 12)
  return { oid: first.oid, width: first.width, salt: `${generation}_${hash}`, list, byName }
}

/** The column that a name means, whatever its case. */
export function findColumn(columns: TableColumns, name: string): Column | undefined {
  return columns.byName.get(name.toLowerCase())
}

/** True where PostgreSQL gives integers as ids. */
export function hasIntegerId(columns: TableColumns): boolean {
  return findColumn(columns, ID_COLUMN)?.kind === 'number'
}

/** What the first generation knows of a table: where ids are integers there are no system columns to it. */
export function firstNamed(columns: TableColumns): TableColumns {
  if (!hasIntegerId(columns)) return columns
  const list = columns.list.filter(({ name }) => !isSystemColumn(name))
  const byName = new Map([...columns.byName].filter(([, column]) => !isSystemColumn(column.name)))
  return { ...columns, list, byName }
}

/** The same columns by the names of the second generation: an app's own column of such a name is out of its reach. */
export function plainlyNamed(columns: TableColumns): TableColumns {
  const system = columns.list.filter(({ name }) => isSystemColumn(name))
  const renamed = system.map((column) => [plainName(column.name).toLowerCase(), column] as const)
  return { ...columns, byName: new Map([...columns.byName, ...renamed]) }
}

/** What a row shows to the second generation: everything, but what one of its own names hides. */
export function plainlyShown(columns: TableColumns): Column[] {
  return columns.list.filter(({ name }) => isSystemColumn(name) || !isReservedName(name))
}

/** True where a delete marks a row. */
export function hasSoftDelete(columns: TableColumns): boolean {
  return findColumn(columns, DELETED_COLUMN) !== undefined
}

export function isSystemColumn(name: string): boolean {
  return SYSTEM_COLUMNS.some((column) => column === name)
}

/** What a row shows when nothing is selected: all but the system columns that were not asked for. */
export function shownColumns(columns: TableColumns, systemColumns: string[]): Column[] {
  return columns.list.filter(({ name }) => name === ID_COLUMN || !isSystemColumn(name) || systemColumns.includes(name))
}

/** The columns of one database's tables. */
export class ColumnCache {
  readonly #database: AppDatabase
  readonly #schema: string
  readonly #known = new Map<string, TableColumns>()
  #generation = 0

  constructor(database: AppDatabase, schema: string) {
    this.#database = database
    this.#schema = schema
  }

  async get(table: string, work: Work): Promise<TableColumns> {
    return this.#known.get(table) ?? (await this.refresh(table, work))
  }

  /** Asks PostgreSQL. 503 when the table is not there: its definition arrived before the host made it. */
  async refresh(table: string, work: Work): Promise<TableColumns> {
    const statement = { text: COLUMNS_SQL, values: [this.#schema, table], isWrite: false }
    const columns = tableColumns(await this.#database.run<ColumnRow>(statement, work), this.#generation)
    if (columns) this.#known.set(table, columns)
    else this.#known.delete(table)
    if (!columns) throw unavailable(`Table '${table}' is not ready yet.`)
    return columns
  }

  /** Prepared statements made until now are not used again. */
  renameStatements(): void {
    this.#generation += 1
  }
}
