// What a server holds of one service: its own schema, how many rows, how new. And giving its rows new stamps.
import type pg from 'pg'
import type { ContentsRequest, RestampAnswer, RestampRequest, ServiceContents } from '../contract/service-contents.ts'
import { OWN_TABLES, ownerRole, UPDATED_AT_COLUMN } from '../contract/table-format.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { RESTAMP_BATCH_ROWS, RESTAMP_CALL_MS } from '../kit/limits.ts'
import { countRows } from './app-schema.ts'
import { lastIdentity } from './identities.ts'

/** The newest `updatedAt` of a table, in milliseconds since 1970; null when it has no rows. */
export async function newestStamp(client: pg.Client, schema: string, table: string): Promise<number | null> {
  const found = await client.query<{ newest: string | null }>(
    `select extract(epoch from max(${id(UPDATED_AT_COLUMN)})) * 1000 as newest from ${id(schema)}.${id(table)}`,
  )
  const newest = found.rows[0]?.newest ?? null
  return newest === null ? null : Number(newest)
}

/** Looks for a service's schema by its owner: restored from a backup, it may have another name than now. */
export async function readContents(client: pg.Client, wanted: ContentsRequest): Promise<ServiceContents> {
  const found = await client.query<{ schema: string; owner: string }>(
    `select nspname as schema, pg_get_userbyid(nspowner) as owner from pg_namespace
      where pg_get_userbyid(nspowner) = $1 or nspname = $2 order by nspname = $2 desc`,
    [ownerRole(wanted.serviceId), wanted.schema],
  )
  const own = found.rows.find(({ owner }) => owner === ownerRole(wanted.serviceId))
  if (!own) return { schema: null, foreignOwner: found.rows[0]?.owner ?? null, tables: [] }
  const tables: ServiceContents['tables'] = []
  for (const name of await listTables(client, own.schema)) {
    const rows = wanted.isNewestOnly ? 0 : await countRows(client, own.schema, name)
    const lastId = await lastIdentity(client, { schema: own.schema, table: name })
    const newestMs = await newestStamp(client, own.schema, name)
    tables.push({ name, rows, newestMs, ...(lastId === null ? {} : { lastId }) })
  }
  return { schema: own.schema, foreignOwner: null, tables }
}

/**
 * Stamps rows anew that were stamped before a moment, so that apps that were offline fetch them again: batch by batch,
 * beside the requests. A row that somebody changes just now gets its stamp from that.
 */
export async function restampRows(client: pg.Client, { schema, beforeMs }: RestampRequest): Promise<RestampAnswer> {
  const deadline = performance.now() + RESTAMP_CALL_MS
  let rows = 0
  for (const name of await listTables(client, schema)) {
    const table = `${id(schema)}.${id(name)}`
    const old = `from ${table} where ${id(UPDATED_AT_COLUMN)} < to_timestamp($1::numeric / 1000)`
    for (;;) {
      const done = await client.query(
        `update ${table} set id = id where id in
           (select id ${old} order by ${id(UPDATED_AT_COLUMN)} limit ${RESTAMP_BATCH_ROWS} for update skip locked)`,
        [beforeMs],
      )
      rows += done.rowCount ?? 0
      if (performance.now() > deadline) return { rows, isDone: false }
      if (done.rowCount === 0) break
    }
    if ((await client.query(`select 1 ${old} limit 1`, [beforeMs])).rowCount !== 0) return { rows, isDone: false }
  }
  return { rows, isDone: true }
}

async function listTables(client: pg.Client, schema: string): Promise<string[]> {
  const found = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attname = $2 and not a.attisdropped
      where n.nspname = $1 and c.relkind = 'r' and c.relname <> all($3) order by c.relname`,
    [schema, UPDATED_AT_COLUMN, OWN_TABLES],
  )
  return found.rows.map(({ name }) => name)
}
