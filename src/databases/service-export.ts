// The rows of one service as lines of JSON, all as they were at one moment.
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { ExportedColumn, ExportedTables, RowsEnd } from '../contract/service-export.ts'
import { columnWord, ID_COLUMN, isReservedColumn, OWN_TABLES, VERSION_COLUMN } from '../contract/table-format.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'
import { EXPORT_LINE_BYTES_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { ROW_TEXT_SETTINGS } from './divergence/row-text.ts'
import { lastIdentity } from './identities.ts'

// Characters that no JSON text contains as they are, so that nothing is quoted.
/** Of a COPY: each row of one JSON text is a line as it is. */
export const AS_LINES = `with (format csv, delimiter e'\\x02', quote e'\\x01')`

/**
 * First what tables there are, then a line for each row (`{"table":…,"row":…}`), then how many. One snapshot, however
 * long it takes; the caller's client is a superuser's in the apps database.
 */
export async function* exportRows(client: pg.Client, schema: string): AsyncGenerator<string> {
  await client.query('begin isolation level repeatable read read only')
  try {
    await client.query(ROW_TEXT_SETTINGS)
    const tables = await readTables(client, schema)
    yield JSON.stringify({ tables } satisfies ExportedTables)
    let rows = 0
    for (const { name } of tables) {
      const prefix = `{"table":${JSON.stringify(name)},"row":`
      for await (const row of rowsOf(client, schema, name)) {
        rows += 1
        yield `${prefix}${row}}`
      }
    }
    yield JSON.stringify({ rows } satisfies RowsEnd)
  } finally {
    await client.query('rollback').catch(() => {})
  }
}

// A version is a 64-bit number, which most readers of JSON would round.
function rowsOf(client: pg.Client, schema: string, table: string): AsyncIterable<string> {
  const version = `jsonb_build_object(${literal(VERSION_COLUMN)}, t.${id(VERSION_COLUMN)}::text)`
  const select = `select (to_jsonb(t) || ${version})::text from ${id(schema)}.${id(table)} t order by ${id(ID_COLUMN)}`
  return linesOf(client.query(copyTo(`copy (${select}) to stdout ${AS_LINES}`)), EXPORT_LINE_BYTES_MAX)
}

async function readTables(client: pg.Client, schema: string): Promise<ExportedTables['tables']> {
  const found = await client.query<{ table: string } & ExportedColumn>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where n.nspname = $1 and c.relkind = 'r' and c.relname <> all($2) and a.attnum > 0 and not a.attisdropped
      order by c.relname, a.attnum`,
    [schema, OWN_TABLES],
  )
  const tables: ExportedTables['tables'] = []
  for (const { table, name, type } of found.rows) {
    let last = tables.at(-1)
    if (last?.name !== table) {
      last = { name: table, columns: [] }
      tables.push(last)
    }
    if (!isReservedColumn(name)) last.columns.push({ name, type: columnWord(type) })
  }
  for (const table of tables) {
    const lastId = await lastIdentity(client, { schema, table: table.name })
    if (lastId !== null) table.lastId = lastId
  }
  return tables
}
