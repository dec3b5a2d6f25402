// The SQL of the table protocol. Pure: names come in, text and parameters come out; every name is quoted, no value is.
import {
  DELETED_COLUMN,
  ID_COLUMN,
  SYSTEM_COLUMNS,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
} from '../contract/table-format.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import type { Expression, OrderTerm } from '../query/expression.ts'
import type { SqlValue } from './column-values.ts'
import { type Column, hasSoftDelete, type TableColumns } from './columns.ts'
import { QuerySql } from './query-sql.ts'
import { shownSql } from './shown-value.ts'

/** `onDone` is told how many milliseconds it took, the wait for a connection left out. */
export type Statement = {
  text: string
  values: SqlValue[]
  isWrite: boolean
  salt?: string
  onDone?: (tookMs: number) => void
}
/** A column under the name that the client gave it. */
export type Shown = { column: Column; as: string }
export type Assigned = { column: Column; value: SqlValue }
export type TableName = { schema: string; table: string }
/** What a write gives back: null for the system columns only, or the row as it is then. */
export type Returned = Shown[] | null

const IS_THERE = `t.${quoteIdentifier(DELETED_COLUMN)} is not true`

/**
 * A page of rows as one JSON text, with the whole count where it is wanted. `settledAt`: rows that were stamped from then
 * on are left out. `includesDeleted`: those that are marked are not.
 */
export function listSql(
  name: TableName,
  columns: TableColumns,
  read: {
    shown: Shown[]
    orderBy: OrderTerm[]
    top: number
    skip: number
    wantsCount: boolean
    filters: Expression[]
    settledAt: string | null
    includesDeleted: boolean
  },
): Statement {
  const table = tableOf(name)
  const values: SqlValue[] = [String(read.top), String(read.skip), columns.oid]
  const query = new QuerySql(columns, values)
  const conditions = read.filters.map((filter) => query.condition(filter))
  if (read.settledAt !== null) {
    values.push(read.settledAt)
    conditions.push(`t.${quoteIdentifier(UPDATED_AT_COLUMN)} < $${values.length}::timestamptz`)
  }
  if (hasSoftDelete(columns) && !read.includesDeleted) conditions.push(IS_THERE)
  const where = whereSql(conditions)
  const order = orderSql(read.orderBy, query)
  const page = `select ${columnsSql(read.shown)} from ${table} t${where} ${order} limit $1::bigint offset $2::bigint`
  const count = read.wantsCount ? `(select count(*) from ${table} t${where})::text` : 'null::text'
  return {
    text:
      `select p.rows, p.length, ${count} as count, ${widthSql(3)} from (` +
      `select coalesce(json_agg(r), '[]'::json)::text as rows, count(*)::int as length from (${page}) r) p`,
    values,
    isWrite: false,
  }
}

/** One row as JSON text, with its version, if all filters are true of it. */
export function itemSql(
  name: TableName,
  columns: TableColumns,
  read: { shown: Shown[]; id: string; filters: Expression[]; includesDeleted: boolean },
): Statement {
  const values: SqlValue[] = [read.id, columns.oid]
  const query = new QuerySql(columns, values)
  const conditions = [`t.${quoteIdentifier(ID_COLUMN)} = $1`, ...read.filters.map((filter) => query.condition(filter))]
  if (hasSoftDelete(columns) && !read.includesDeleted) conditions.push(IS_THERE)
  return {
    text:
      `select ${rowSql(read.shown)} as row, ` +
      `${versionSql(columns)} as version, ${widthSql(2)} from ${tableOf(name)} t${whereSql(conditions)}`,
    values,
    isWrite: false,
  }
}

/** Without an id PostgreSQL gives one, which comes back. */
export function insertSql(
  name: TableName,
  columns: TableColumns,
  row: { id: string | null; assigned: Assigned[]; returned: Returned },
): Statement {
  const own = row.assigned.map(({ column, value }) => [column.name, value] as const)
  const given = row.id === null ? own : [[ID_COLUMN, row.id] as const, ...own]
  const names = given.map(([column]) => quoteIdentifier(column)).join(', ')
  const parameters = given.map((_, index) => `$${index + 1}`).join(', ')
  const values = given.length === 0 ? 'default values' : `(${names}) values (${parameters})`
  const id = row.id === null ? `, t.${quoteIdentifier(ID_COLUMN)}::text as id` : ''
  return {
    text: `insert into ${tableOf(name)} as t ${values}${returningSql(columns, row.returned)}${id}`,
    values: given.map(([, value]) => value),
    isWrite: true,
  }
}

/**
 * Changes a row, where `version` is given only under that version. One that is marked as deleted is changed only by what
 * takes the mark away (`isUndelete`).
 */
export function updateSql(
  name: TableName,
  columns: TableColumns,
  row: { id: string; version: string | null; assigned: Assigned[]; isUndelete: boolean; returned: Returned },
): Statement {
  const condition = rowCondition(row)
  const sets = row.assigned.map(
    ({ column }, index) => `${quoteIdentifier(column.name)} = $${condition.values.length + index + 1}`,
  )
  if (row.isUndelete) sets.push(`${quoteIdentifier(DELETED_COLUMN)} = false`)
  const isThere = hasSoftDelete(columns) && !row.isUndelete ? ` and ${IS_THERE}` : ''
  return {
    text:
      `update ${tableOf(name)} as t set ${sets.join(', ')} where ${condition.text}${isThere}` +
      returningSql(columns, row.returned),
    values: [...condition.values, ...row.assigned.map(({ value }) => value)],
    isWrite: true,
  }
}

/**
 * Deletes a row, where `version` is given only under that version: marks it where the table has soft delete. What is known
 * of the columns must be all of them, or nothing is done: a mark may have come meanwhile.
 */
export function deleteSql(
  name: TableName,
  columns: TableColumns,
  row: { id: string; version: string | null; returned: Returned },
): Statement {
  const { text, values } = rowCondition(row)
  const table = tableOf(name)
  const returning = row.returned ? returningSql(columns, row.returned) : ` returning '1' as deleted`
  if (hasSoftDelete(columns)) {
    const mark = `${quoteIdentifier(DELETED_COLUMN)} = true`
    return {
      text: `update ${table} as t set ${mark} where ${text} and ${IS_THERE}${returning}`,
      ...{ values, isWrite: true },
    }
  }
  const [oid, width] = [values.length + 1, values.length + 2]
  const isKnown = `(select relnatts from pg_class where oid = $${oid}::oid) = $${width}::int`
  return {
    text: `delete from ${table} as t where ${text} and ${isKnown}${returning}`,
    values: [...values, columns.oid, String(columns.width)],
    isWrite: true,
  }
}

/** Adds a column. `type` is one of COLUMN_TYPES, never a client's text. */
export function addColumnSql(name: TableName, column: { name: string; type: string }): string {
  return `alter table ${tableOf(name)} add column if not exists ${quoteIdentifier(column.name)} ${column.type}`
}

function tableOf(name: TableName): string {
  return `${quoteIdentifier(name.schema)}.${quoteIdentifier(name.table)}`
}

function rowSql(shown: Shown[]): string {
  return `(select row_to_json(r) from (select ${columnsSql(shown)}) r)::text`
}

function versionSql(columns: TableColumns): string {
  const hasVersion = columns.byName.has(VERSION_COLUMN.toLowerCase())
  return hasVersion ? columnSql({ name: VERSION_COLUMN, kind: 'version' }) : 'null::text'
}

function columnSql({ name, kind }: Pick<Column, 'name' | 'kind'>): string {
  return shownSql(`t.${quoteIdentifier(name)}`, kind)
}

function columnsSql(shown: Shown[]): string {
  return shown.map(({ column, as }) => `${columnSql(column)} as ${quoteIdentifier(as)}`).join(', ')
}

function whereSql(conditions: string[]): string {
  return conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''
}

// Nulls first ascending, last descending. Said only where there can be nulls, or an index would not be used. The id
// makes pages stable.
function orderSql(orderBy: OrderTerm[], query: QuerySql): string {
  const found = orderBy.map(({ expression, isDescending }) => ({ ...query.term(expression), isDescending }))
  const terms = found.map(({ text, column, isDescending }) => {
    const nulls = column?.isNullable === false ? '' : isDescending ? ' nulls last' : ' nulls first'
    return `${text}${isDescending ? ' desc' : ''}${nulls}`
  })
  if (!found.some(({ column }) => column?.name === ID_COLUMN)) {
    terms.push(`t.${quoteIdentifier(ID_COLUMN)}${orderBy.at(-1)?.isDescending ? ' desc' : ''}`)
  }
  return `order by ${terms.join(', ')}`
}

function rowCondition(row: { id: string; version: string | null }): { text: string; values: SqlValue[] } {
  const text = `t.${quoteIdentifier(ID_COLUMN)} = $1`
  if (row.version === null) return { text, values: [row.id] }
  return { text: `${text} and t.${quoteIdentifier(VERSION_COLUMN)} = $2`, values: [row.id, row.version] }
}

function returningSql(columns: TableColumns, returned: Returned): string {
  if (returned) return ` returning ${rowSql(returned)} as row, ${versionSql(columns)} as version`
  const shown = columns.list
    .filter(({ name }) => SYSTEM_COLUMNS.some((column) => column === name))
    .map((column) => ({ column, as: column.name }))
  return ` returning ${shown.length > 0 ? columnsSql(shown) : `'1' as written`}`
}

// A column that another runtime added makes a cached list of columns incomplete: the read itself tells.
function widthSql(parameter: number): string {
  return `(select relnatts::int from pg_class where oid = $${parameter}::oid) as width`
}
