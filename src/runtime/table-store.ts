// Reads and writes the rows of one service's tables: plans a statement for the columns known, and plans anew when they
// turn out to be others. New properties become columns where the service allows it.
import { COLUMN_TYPES, ID_COLUMN, SETTLED_FUNCTION, type SYSTEM_COLUMNS } from '../contract/table-format.ts'
import { COLUMN_LOCK_MS_MAX, STATEMENT_ATTEMPTS_MAX } from '../kit/limits.ts'
import type { Expression } from '../query/expression.ts'
import type { AppDatabase, Work } from './app-database.ts'
import { badRequest, unavailable } from './app-faults.ts'
import { type ClientGeneration, plainName } from './client-generation.ts'
import { columnValue } from './column-values.ts'
import {
  COLUMNS_SQL,
  type ColumnCache,
  type ColumnRow,
  findColumn,
  firstNamed,
  hasSoftDelete,
  plainlyNamed,
  plainlyShown,
  shownColumns,
  type TableColumns,
  tableColumns,
} from './columns.ts'
import { versionNumber } from './etags.ts'
import type { Property } from './item-body.ts'
import { asksForChanges, missingMembers } from './query-sql.ts'
import type { ListQuery } from './read-query.ts'
import type { SlowReads } from './slow-reads.ts'
import { faultOfSql, isUnknownFunction, ruleOf } from './sql-errors.ts'
import {
  type Assigned,
  addColumnSql,
  deleteSql,
  insertSql,
  itemSql,
  listSql,
  type Returned,
  type Shown,
  type Statement,
  updateSql,
} from './table-sql.ts'

/** System columns of a written row, by name, as JSON shows them; `__deleted` of those that have soft delete. */
export type WrittenRow = Partial<Record<Exclude<(typeof SYSTEM_COLUMNS)[number], '__deleted'>, string>> & {
  __deleted?: boolean
}
export type ReadRow = { row: string; version: string | null }
/** `length`: how many rows these are; `count`: how many there are, where that was asked for. */
export type Page = { rows: string; length: number; count: string | null }
type Plan = Statement | { missing: string[] }
/**
 * `clientGeneration`: by whose names columns are asked for and shown; the first's where it is left out. `isStrict`: a
 * column that does not exist is a mistake, also where columns come by themselves.
 */
type Asked = {
  select: string[] | null
  systemColumns: string[]
  includesDeleted: boolean
  clientGeneration?: ClientGeneration
  isStrict?: boolean
}
/** What may be written to: the id, and the version that it must still have; null for any. */
export type RowKey = { id: string; version: string | null }
/** `id` is null where PostgreSQL is to give it. */
export type NewRow = { id: string | null; properties: Property[] }
export type Inserted<Row> = { id: string; row: Row }
export type RowChange = { properties: Property[]; isUndelete: boolean }

const SETTLED: Statement = { text: `select ${SETTLED_FUNCTION}::text as moment`, values: [], isWrite: false }

export class TableStore {
  readonly #database: AppDatabase
  readonly #columns: ColumnCache
  readonly #schema: string
  readonly #isSchemaDynamic: boolean
  readonly #slowReads: SlowReads

  constructor(deps: {
    database: AppDatabase
    columns: ColumnCache
    schema: string
    isSchemaDynamic: boolean
    slowReads: SlowReads
  }) {
    this.#database = deps.database
    this.#columns = deps.columns
    this.#schema = deps.schema
    this.#isSchemaDynamic = deps.isSchemaDynamic
    this.#slowReads = deps.slowReads
  }

  /** A page of rows; null when a named column does not exist, which with dynamic schema means: no rows. */
  async list(table: string, read: ListQuery & Asked, work: Work): Promise<Page | null> {
    const expressions = [...read.filters, ...read.orderBy.map(({ expression }) => expression)]
    // Before the rows are read: what is committed between the two is left for the next read, too.
    const settledAt = read.filters.some(asksForChanges) ? await this.#settledAt(work) : null
    const plan = (columns: TableColumns): Plan => {
      const named = read.clientGeneration === 2 ? plainlyNamed(columns) : firstNamed(columns)
      const missing = [...missingOf(named, read.select ?? []), ...missingMembers(named, expressions)]
      if (missing.length > 0) return { missing }
      const statement = listSql(this.#nameOf(table), named, { ...read, shown: shownOf(named, read), settledAt })
      if (expressions.length === 0) return statement
      const { filters, orderBy } = read
      const onDone = (tookMs: number) =>
        this.#slowReads.note({ table, tookMs, statement, columns: named, filters, orderBy })
      return { ...statement, onDone }
    }
    const found = await this.#run<Page & { width: number }>(table, work, plan, async () => this.#missingRead(read))
    return found?.[0] ?? null
  }

  /** A row by id; null when there is none of which all filters are true, or none with the columns named. */
  async find(table: string, id: string, asked: Asked & { filters: Expression[] }, work: Work): Promise<ReadRow | null> {
    const { filters, includesDeleted } = asked
    const plan = (columns: TableColumns): Plan => {
      const named = asked.clientGeneration === 2 ? plainlyNamed(columns) : firstNamed(columns)
      const missing = [...missingOf(named, asked.select ?? []), ...missingMembers(named, filters)]
      if (missing.length > 0) return { missing }
      return itemSql(this.#nameOf(table), named, { shown: shownOf(named, asked), id, filters, includesDeleted })
    }
    const found = await this.#run<ReadRow & { width: number }>(table, work, plan, async () => this.#missingRead(asked))
    return found?.[0] ?? null
  }

  /** Without an id PostgreSQL gives one, where ids are integers. */
  async insert(table: string, item: NewRow, work: Work): Promise<Inserted<WrittenRow>> {
    const rows = await this.#write<WrittenRow & { id?: string }>(table, item.properties, work, (columns, assigned) =>
      insertSql(this.#nameOf(table), firstNamed(columns), { id: item.id, assigned, returned: null }),
    )
    return insertedOf(item, rows)
  }

  /** As `insert`, with the row as it is stored, in the words of the second generation. */
  async insertWhole(table: string, item: NewRow, work: Work): Promise<Inserted<ReadRow>> {
    const rows = await this.#write<ReadRow & { id?: string }>(table, item.properties, work, (columns, assigned) =>
      insertSql(this.#nameOf(table), columns, { id: item.id, assigned, returned: wholeOf(columns) }),
    )
    return insertedOf(item, rows)
  }

  /**
   * Null when no row has that id, and the version where one is given; nor one that is marked as deleted, unless it is
   * to be there again.
   */
  async update(table: string, key: RowKey, change: RowChange, work: Work): Promise<WrittenRow | null> {
    return await this.#update<WrittenRow>(table, key, change, work, () => null)
  }

  /** As `update`, with the row as it is stored, in the words of the second generation. */
  async updateWhole(table: string, key: RowKey, change: RowChange, work: Work): Promise<ReadRow | null> {
    return await this.#update<ReadRow>(table, key, change, work, wholeOf)
  }

  /** False when no row has that id, and the version where one is given, or it is marked as deleted already. */
  async delete(table: string, key: RowKey, work: Work): Promise<boolean> {
    return (await this.#delete(table, key, work, () => null)) !== null
  }

  /** As `delete`, with the row as it was, or with its mark; null for false. */
  async deleteWhole(table: string, key: RowKey, work: Work): Promise<ReadRow | null> {
    return await this.#delete<ReadRow>(table, key, work, wholeOf)
  }

  /** Whether a delete marks a row of the table. Asks PostgreSQL unless it is known to. */
  async hasSoftDelete(table: string, work: Work): Promise<boolean> {
    if (hasSoftDelete(await this.#ask(async () => await this.#columns.get(table, work)))) return true
    return hasSoftDelete(await this.#ask(async () => await this.#columns.refresh(table, work)))
  }

  async #update<Row extends object>(
    table: string,
    key: RowKey,
    { properties, isUndelete }: RowChange,
    work: Work,
    returnedOf: (columns: TableColumns) => Returned,
  ): Promise<Row | null> {
    const version = numberOf(key)
    // A version that can be none matches no row; the caller tells whether there is one.
    if (version === undefined) return null
    const rows = await this.#write<Row>(table, properties, work, (columns, assigned) => {
      const returned = returnedOf(columns)
      const seen = returned ? columns : firstNamed(columns)
      return updateSql(this.#nameOf(table), seen, { id: key.id, version, assigned, isUndelete, returned })
    })
    return rows[0] ?? null
  }

  async #delete<Row extends object>(
    table: string,
    key: RowKey,
    work: Work,
    returnedOf: (columns: TableColumns) => Returned,
  ): Promise<Row | null> {
    const version = numberOf(key)
    if (version === undefined) return null
    const plan = (columns: TableColumns) => {
      const row = { id: key.id, version, returned: returnedOf(columns) }
      return deleteSql(this.#nameOf(table), columns, row)
    }
    const run = async () => (await this.#run<Row>(table, work, plan, async () => false))?.[0] ?? null
    const deleted = await run()
    if (deleted) return deleted
    // With old columns nothing was done: then once more, with those that there are.
    const before = await this.#columns.get(table, work)
    const now = await this.#ask(async () => await this.#columns.refresh(table, work))
    return now.width === before.width ? null : await run()
  }

  async #write<Row extends object>(
    table: string,
    properties: Property[],
    work: Work,
    statementOf: (columns: TableColumns, assigned: Assigned[]) => Statement,
  ): Promise<Row[]> {
    const plan = (columns: TableColumns): Plan => {
      const names = properties.map(({ name }) => name)
      const missing = missingOf(columns, names)
      return missing.length > 0 ? { missing } : statementOf(columns, assignedOf(columns, properties))
    }
    const addMissing = async (missing: string[]) => {
      await this.#addColumns(
        table,
        properties.filter(({ name }) => missing.includes(name)),
        work,
      )
      return true
    }
    return (await this.#run<Row>(table, work, plan, addMissing)) ?? []
  }

  // Plans and runs. `onMissing` is asked when columns are missing for certain; false ends it without rows.
  async #run<Row extends object>(
    table: string,
    work: Work,
    planFor: (columns: TableColumns) => Plan,
    onMissing: (missing: string[]) => Promise<boolean>,
  ): Promise<Row[] | null> {
    let columns = await this.#ask(async () => await this.#columns.get(table, work))
    let isFresh = false
    const refresh = async () => {
      columns = await this.#ask(async () => await this.#columns.refresh(table, work))
      isFresh = true
    }
    for (let attempt = 1; attempt <= STATEMENT_ATTEMPTS_MAX; attempt += 1) {
      const plan = planOrNull(planFor, columns, isFresh)
      if (!plan) {
        await refresh()
        continue
      }
      if ('missing' in plan) {
        if (isFresh && !(await onMissing(plan.missing))) return null
        await refresh()
        continue
      }
      try {
        const rows = await this.#database.run<Row>({ ...plan, salt: columns.salt }, work)
        if (isFresh || isComplete(rows, columns)) return rows
      } catch (error) {
        if (isFresh || ruleOf(error).retry !== 'replan') throw faultOfSql(error, plan.isWrite)
        this.#columns.renameStatements()
      }
      await refresh()
    }
    throw unavailable(`The columns of table '${table}' keep changing.`)
  }

  async #settledAt(work: Work): Promise<string | null> {
    try {
      return (await this.#database.run<{ moment: string }>(SETTLED, work))[0]?.moment ?? null
    } catch (error) {
      // A server whose host is of an older release has no such function until that is brought up to date.
      if (isUnknownFunction(error)) return null
      throw faultOfSql(error, false)
    }
  }

  #missingRead({ isStrict }: Asked): false {
    if (this.#isSchemaDynamic && !isStrict) return false
    throw badRequest('Invalid column name specified in query.')
  }

  async #addColumns(table: string, properties: Property[], work: Work): Promise<void> {
    if (!this.#isSchemaDynamic) {
      throw badRequest('Could not save item because it contains a column that is not in the table schema.')
    }
    const wanted = new Map<string, { name: string; type: string }>()
    for (const { name, value } of properties) {
      if (value.kind === 'null') throw badRequest(`Unable to insert a null value for new property '${name}'`)
      if (!wanted.has(name.toLowerCase())) wanted.set(name.toLowerCase(), { name, type: COLUMN_TYPES[value.kind] })
    }
    const name = this.#nameOf(table)
    await this.#ask(
      async () =>
        await this.#database.transaction(work, async (connection) => {
          await connection.execute(`set local lock_timeout = ${COLUMN_LOCK_MS_MAX}`)
          // One adder at a time: `if not exists` would not see that Name and name are one property.
          const key = `${this.#schema}.${table}`
          const lock = 'select pg_advisory_xact_lock(hashtextextended($1, 0))'
          await connection.query({ text: lock, values: [key], isWrite: true })
          const read = { text: COLUMNS_SQL, values: [this.#schema, table], isWrite: false }
          const now = tableColumns(await connection.query<ColumnRow>(read), 0)
          for (const column of wanted.values()) {
            if (!now || !findColumn(now, column.name)) await connection.execute(addColumnSql(name, column))
          }
        }),
    )
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw faultOfSql(error, false)
    }
  }

  #nameOf(table: string) {
    return { schema: this.#schema, table }
  }
}

function insertedOf<Row extends object>(item: NewRow, rows: (Row & { id?: string })[]): Inserted<Row> {
  const [row] = rows
  const id = item.id ?? row?.id
  if (row === undefined || id === undefined) throw new TypeError('an insert gave no row')
  return { id, row }
}

function missingOf(columns: TableColumns, names: string[]): string[] {
  return names.filter((name) => !findColumn(columns, name))
}

// All of a row, in the words of the second generation.
function wholeOf(columns: TableColumns): Shown[] {
  return plainlyShown(columns).map((column) => ({ column, as: plainName(column.name) }))
}

function shownOf(columns: TableColumns, asked: Asked): Shown[] {
  if (asked.clientGeneration === 2 && asked.select === null) return wholeOf(columns)
  if (asked.select === null) {
    return shownColumns(columns, asked.systemColumns).map((column) => ({ column, as: column.name }))
  }
  const shown: Shown[] = []
  for (const name of [...asked.select, ...asked.systemColumns]) {
    const column = findColumn(columns, name)
    if (column && !shown.some((one) => one.column === column)) shown.push({ column, as: name })
  }
  return shown
}

function assignedOf(columns: TableColumns, properties: Property[]): Assigned[] {
  const assigned: Assigned[] = []
  for (const { name, value } of properties) {
    const column = findColumn(columns, name)
    if (!column || column.name === ID_COLUMN) throw badRequest(`The property '${name}' can not be set.`)
    if (assigned.some((one) => one.column === column)) throw badRequest(`The property '${name}' is given twice.`)
    assigned.push({ column, value: columnValue(value, column.kind) })
  }
  return assigned
}

// Undefined: what was given is no version at all.
function numberOf(key: RowKey): string | null | undefined {
  return key.version === null ? null : (versionNumber(key.version) ?? undefined)
}

function isComplete(rows: object[], columns: TableColumns): boolean {
  const [first] = rows
  return !first || !('width' in first) || first.width === columns.width
}

// Null: the values do not fit the columns, which may be because we know old ones.
function planOrNull(planFor: (columns: TableColumns) => Plan, columns: TableColumns, isFresh: boolean): Plan | null {
  try {
    return planFor(columns)
  } catch (error) {
    if (isFresh) throw error
    return null
  }
}
