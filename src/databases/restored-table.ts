// A table as it was, from a restored server into the living one: into a table of its own, or into the rows of today.
// Either is one transaction: killed in the middle, nothing has happened.
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import {
  DELETED_COLUMN,
  DELETED_COLUMN_SQL,
  ID_COLUMN,
  isReservedColumn,
  PLATFORM_SCHEMA,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
} from '../contract/table-format.ts'
import type { TableRestored, TableWish } from '../contract/table-restore.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'
import { createTableSql, sequenceOf } from './app-schema.ts'
import { raiseIdentity, readIdType } from './identities.ts'

/** The restored server's schema, and the living one's; both clients are superusers' in the apps databases. */
export type Sides = {
  before: { client: pg.Client; schema: string }
  now: { client: pg.Client; schema: string; serviceId: string }
}

type Column = { name: string; type: string }

// Triggers are ours; rows come with the stamps that they had, or get new ones here.
const WITHOUT_TRIGGERS = 'set local session_replication_role = replica'

/** Brings a table back. Faults with `table.unknown` when it was not there then. */
export async function restoreTable(sides: Sides, wish: TableWish): Promise<Omit<TableRestored, 'restoredTo'>> {
  const columns = await columnsOf(sides.before.client, sides.before.schema, wish.table)
  if (columns.length === 0) {
    throw new Fault('table.unknown', 404, `there was no table ${wish.table} at that moment`, {
      hint: 'Name another moment with --to.',
    })
  }
  const { client } = sides.now
  await client.query('begin')
  try {
    const { as } = wish
    const done = as === null ? await intoRows(sides, wish, columns) : await intoNew(sides, { ...wish, as }, columns)
    await client.query('commit')
    return done
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

// Nobody knows of it before it is defined: what an earlier try left is dropped with what it held.
async function intoNew(
  sides: Sides,
  wish: TableWish & { as: string },
  columns: Column[],
): Promise<Omit<TableRestored, 'restoredTo'>> {
  const { client, schema, serviceId } = sides.now
  const table = `${id(schema)}.${id(wish.as)}`
  await client.query(`drop table if exists ${table}`)
  const idType = (await readIdType(sides.before.client, { schema: sides.before.schema, table: wish.table })) ?? 'string'
  await client.query(createTableSql({ schema, serviceId }, wish.as, idType))
  const there = new Set((await columnsOf(client, schema, wish.as)).map(({ name }) => name))
  for (const { name, type } of columns) {
    if (there.has(name)) continue
    const wanted = name === DELETED_COLUMN ? DELETED_COLUMN_SQL : type
    await client.query(`alter table ${table} add column ${id(name)} ${wanted}`)
  }
  await client.query(WITHOUT_TRIGGERS)
  const found = await copy(sides, wish, { into: table, columns: columns.map(({ name }) => name) })
  await raiseIdentity(client, { schema, table: wish.as })
  return { found, inserted: found, updated: 0, deleted: 0, leftOut: [], idType }
}

async function intoRows(sides: Sides, wish: TableWish, columns: Column[]): Promise<Omit<TableRestored, 'restoredTo'>> {
  const { client, schema } = sides.now
  const table = `${id(schema)}.${id(wish.table)}`
  const today = new Set((await columnsOf(client, schema, wish.table)).map(({ name }) => name))
  if (today.size === 0) {
    throw new Fault('table.unknown', 404, `there is no table ${wish.table} now`, {
      hint: 'Bring it back under its name with --as.',
    })
  }
  await requireSameIds(sides, wish.table)
  const kept = columns.map(({ name }) => name).filter((name) => today.has(name))
  const leftOut = columns.map(({ name }) => name).filter((name) => !today.has(name))
  const list = kept.map(id).join(', ')
  await client.query(`create temp table restored on commit drop as select ${list} from ${table} limit 0`)
  const found = await copy(sides, wish, { into: 'restored', columns: kept })
  await client.query(`create unique index on restored (${id(ID_COLUMN)})`)
  await client.query('analyze restored')
  // Readers go on; writers wait until all of it is there.
  await client.query(`lock table ${table} in exclusive mode`)
  const own = kept.filter((name) => !isReservedColumn(name))
  const updated = own.length === 0 ? 0 : await updateRows(client, table, own)
  const isMarked = today.has(DELETED_COLUMN)
  const deleted = wish.isExact && wish.ids === null ? await deleteRows(client, table, isMarked) : 0
  const inserted = await insertRows(client, { table, schema, list })
  await raiseIdentity(client, { schema, table: wish.table })
  return { found, inserted, updated, deleted, leftOut }
}

// One that was dropped and made anew with other ids has none of its rows of then.
async function requireSameIds({ before, now }: Sides, table: string): Promise<void> {
  const then = await readIdType(before.client, { schema: before.schema, table })
  const today = await readIdType(now.client, { schema: now.schema, table })
  if (then === today) return
  const [was, is] = [then, today].map((type) => (type === 'integer' ? 'integers' : 'texts'))
  throw new Fault('table.other_ids', 409, `the ids of ${table} were ${was} then, and are ${is} now`, {
    hint: 'Bring it back under another name with --as.',
  })
}

async function updateRows(client: pg.Client, table: string, columns: string[]): Promise<number> {
  const set = columns.map((name) => `${id(name)} = restored.${id(name)}`).join(', ')
  const [old, now] = ['restored', 'live'].map((side) => columns.map((name) => `${side}.${id(name)}`).join(', '))
  const done = await client.query(
    `update ${table} live set ${set} from restored
      where live.${id(ID_COLUMN)} = restored.${id(ID_COLUMN)} and row(${now}) is distinct from row(${old})`,
  )
  return done.rowCount ?? 0
}

// With soft delete they are marked, so that apps that were offline hear of it.
async function deleteRows(client: pg.Client, table: string, isMarked: boolean): Promise<number> {
  const isNew = `not exists (select 1 from restored where restored.${id(ID_COLUMN)} = live.${id(ID_COLUMN)})`
  const marked = id(DELETED_COLUMN)
  const done = await client.query(
    isMarked
      ? `update ${table} live set ${marked} = true where ${isNew} and not ${marked}`
      : `delete from ${table} live where ${isNew}`,
  )
  return done.rowCount ?? 0
}

// A row that comes back keeps the moment at which it was made; apps that were offline fetch it by its new stamp.
async function insertRows(
  client: pg.Client,
  { table, schema, list }: { table: string; schema: string; list: string },
): Promise<number> {
  await client.query(
    `update restored set ${id(UPDATED_AT_COLUMN)} = clock_timestamp() + ${PLATFORM_SCHEMA}.stamp_offset(),
                         ${id(VERSION_COLUMN)} = nextval(${literal(sequenceOf({ schema }))}::regclass)`,
  )
  await client.query(WITHOUT_TRIGGERS)
  const done = await client.query(
    `insert into ${table} (${list}) select ${list} from restored
      where not exists (select 1 from ${table} live where live.${id(ID_COLUMN)} = restored.${id(ID_COLUMN)})`,
  )
  await client.query('set local session_replication_role = origin')
  return done.rowCount ?? 0
}

async function copy(sides: Sides, wish: TableWish, to: { into: string; columns: string[] }): Promise<number> {
  const list = to.columns.map(id).join(', ')
  const only = wish.ids === null ? '' : ` where ${id(ID_COLUMN)} in (${wish.ids.map(literal).join(', ')})`
  const source = `select ${list} from ${id(sides.before.schema)}.${id(wish.table)}${only}`
  const sink = sides.now.client.query(copyFrom(`copy ${to.into} (${list}) from stdin`))
  await pipeline(sides.before.client.query(copyTo(`copy (${source}) to stdout`)), sink)
  return sink.rowCount
}

async function columnsOf(client: pg.Client, schema: string, table: string): Promise<Column[]> {
  const found = await client.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod)
              || case when a.attcollation <> 0 and a.attcollation <> t.typcollation
                      then ' collate ' || a.attcollation::regcollation::text else '' end as type
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      order by a.attnum`,
    [schema, table],
  )
  return found.rows
}

/** The columns of a table, in order; empty when it is not there. */
export async function columnNames(client: pg.Client, schema: string, table: string): Promise<string[]> {
  return (await columnsOf(client, schema, table)).map(({ name }) => name)
}
