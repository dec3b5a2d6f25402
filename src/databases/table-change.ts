// Changes of a table's shape that an operator asks for: columns, indexes, soft delete. Each is idempotent: asked again, it
// is done.
import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { TableChange, TableChangeResult } from '../contract/table-change.ts'
import {
  COLUMN_TYPES,
  DELETED_COLUMN,
  DELETED_COLUMN_SQL,
  foldedSql,
  ID_COLUMN,
  ownerRole,
  SYSTEM_COLUMNS,
} from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { readIdType } from './identities.ts'

/** Which table, and whose: what is added belongs to the service, not to us. */
export type TableName = { schema: string; table: string; serviceId: string }

type Found = { name: string; isText: boolean }

/** Makes a change. An index is built without holding up writers; `building`: somebody else builds it just now. */
export async function changeTable(client: pg.Client, name: TableName, change: TableChange): Promise<TableChangeResult> {
  const columns = await readColumns(client, name)
  if (columns.length === 0) throw new Fault('table.unknown', 404, `${name.schema} has no table ${name.table}`)
  if (change.kind === 'soft_delete_on' || change.kind === 'soft_delete_off') {
    return await changeSoftDelete(client, name, change.kind === 'soft_delete_on')
  }
  const found = columns.find((column) => column.name.toLowerCase() === change.column.toLowerCase())
  const table = `${id(name.schema)}.${id(name.table)}`
  switch (change.kind) {
    case 'add_column':
      if (found) return refuseOtherType(found.name, name)
      await asOwner(client, name, `alter table ${table} add column ${id(change.column)} ${COLUMN_TYPES[change.type]}`)
      return { state: 'done', column: change.column }
    case 'drop_column':
      requireOwnColumn(change.column)
      if (!found) throw unknownColumn(name, change.column)
      await asOwner(client, name, `alter table ${table} drop column ${id(found.name)}`)
      return { state: 'done', column: found.name }
    case 'add_index':
      if (!found) throw unknownColumn(name, change.column)
      return await addIndex(client, name, found)
    case 'drop_index':
      if (!found) throw unknownColumn(name, change.column)
      await dropIndex(client, name, indexName(name, found.name))
      await dropIndex(client, name, partIndexName(name, found.name))
      return { state: 'done', column: found.name }
  }
}

// Off: rows that are marked go with the mark. Left there, they would be back.
async function changeSoftDelete(client: pg.Client, name: TableName, isOn: boolean): Promise<TableChangeResult> {
  if (isOn && (await readIdType(client, name)) === 'integer') throw softDeleteRefused(name.table)
  const table = `${id(name.schema)}.${id(name.table)}`
  const [column, columns] = [id(DELETED_COLUMN), await readColumns(client, name)]
  const isThere = columns.some((one) => one.name === DELETED_COLUMN)
  const done = { state: 'done' as const, column: DELETED_COLUMN }
  if (isOn === isThere) return done
  const drop = `delete from ${table} where ${column}; alter table ${table} drop column ${column}`
  const add = `alter table ${table} add column ${column} ${DELETED_COLUMN_SQL}`
  // Several statements in one text are one transaction.
  await asOwner(client, name, isOn ? add : `lock table ${table} in access exclusive mode; ${drop}`)
  return done
}

function softDeleteRefused(table: string): Fault {
  return new Fault('table.integer_ids', 409, `the ids of '${table}' are integers: such a table has no soft delete`, {
    hint: 'Apps that work offline need ids that they make themselves: use a table with string ids.',
  })
}

async function addIndex(client: pg.Client, name: TableName, column: Found): Promise<TableChangeResult> {
  const [index, partIndex] = [indexName(name, column.name), partIndexName(name, column.name)]
  const isTaken = await client.query<{ taken: boolean }>('select pg_try_advisory_lock(hashtext($1)) as taken', [index])
  if (isTaken.rows[0]?.taken !== true) return { state: 'building', column: column.name }
  try {
    // As reads order by it: they go through it either way.
    await buildIndex(client, name, index, `(${id(column.name)} nulls first)`)
    if (column.isText) await buildIndex(client, name, partIndex, await partIndexSql(client, column.name))
    return { state: 'done', column: column.name }
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [index])
  }
}

async function buildIndex(client: pg.Client, name: TableName, index: string, definition: string): Promise<void> {
  const found = await client.query<{ isWhole: boolean }>(
    `select i.indisvalid as "isWhole" from pg_index i join pg_class c on c.oid = i.indexrelid
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [name.schema, index],
  )
  // One that a crash left half built is never valid: it goes before a new one is made.
  if (found.rows[0]?.isWhole === false) await dropIndex(client, name, index)
  const table = `${id(name.schema)}.${id(name.table)}`
  const using = definition.startsWith('using') ? '' : 'using btree '
  await client.query(`create index concurrently if not exists ${id(index)} on ${table} ${using}${definition}`)
}

async function dropIndex(client: pg.Client, name: TableName, index: string): Promise<void> {
  await client.query(`drop index concurrently if exists ${id(name.schema)}.${id(index)}`)
}

// By what a text begins with, and by any part of it where the server has what that takes.
async function partIndexSql(client: pg.Client, column: string): Promise<string> {
  const found = await client.query<{ schema: string }>(
    `select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'pg_trgm'`,
  )
  const folded = `(${foldedSql(id(column))})`
  const [trigrams] = found.rows
  return trigrams ? `using gin (${folded} ${id(trigrams.schema)}.gin_trgm_ops)` : `(${folded} text_pattern_ops)`
}

// The index's name says which column it is for, whatever characters that has, in the 63 bytes that a name may have.
function indexName(name: TableName, column: string): string {
  return `.i_${columnHash(name, column)}`
}

// Of the one that finds parts of its texts.
function partIndexName(name: TableName, column: string): string {
  return `.f_${columnHash(name, column)}`
}

function columnHash(name: TableName, column: string): string {
  return createHash('sha256').update(`${name.table}\0${column}`).digest('hex').slice(0, 24)
}

async function asOwner(client: pg.Client, name: TableName, statement: string): Promise<void> {
  await client.query(`set role ${id(ownerRole(name.serviceId))}`)
  try {
    await client.query(statement)
  } finally {
    await client.query('reset role')
  }
}

async function readColumns(client: pg.Client, name: TableName): Promise<Found[]> {
  const found = await client.query<Found>(
    `select a.attname as name, a.atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) as "isText"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      order by a.attnum`,
    [name.schema, name.table],
  )
  return found.rows
}

// A column that is there is never retyped.
function refuseOtherType(column: string, name: TableName): never {
  throw new Fault('table.column_exists', 409, `'${name.table}' already has a column '${column}'`, {
    hint: 'Choose another name, or delete that column first: its values go with it.',
  })
}

function requireOwnColumn(column: string): void {
  const isOurs = [ID_COLUMN, ...SYSTEM_COLUMNS].some((own) => own.toLowerCase() === column.toLowerCase())
  if (isOurs) throw new Fault('table.system_column', 400, `'${column}' is a system column and stays`)
}

function unknownColumn(name: TableName, column: string): Fault {
  return new Fault('table.column_unknown', 404, `'${name.table}' has no column '${column}'`, {
    hint: 'See which there are: mainstay mobile table show SERVICE TABLE',
  })
}
