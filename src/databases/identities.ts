// The integers that PostgreSQL gives as ids: none is to be given twice, whatever became of who had it.
import type pg from 'pg'
import { ID_COLUMN, type IdType, OWN_TABLES } from '../contract/table-format.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { IDENTITY_GAP } from '../kit/limits.ts'

type TableName = { schema: string; table: string }

/**
 * Ids that a lost side gave, and that never arrived, are known to the apps that were given them. How many is not known
 * here, so a gap is left.
 */
export async function raiseIdentities(client: pg.Client): Promise<void> {
  for (const name of await listIdentities(client, null)) await raiseIdentity(client, name, { gap: IDENTITY_GAP })
}

/** As `raiseIdentities`, in one schema, where it is known what was given by table; `above` null: it is not. */
export async function raiseIdentitiesAbove(
  client: pg.Client,
  { schema, above }: { schema: string; above: Record<string, string> | null },
): Promise<void> {
  for (const name of await listIdentities(client, schema)) {
    await raiseIdentity(client, name, { above: above?.[name.table] ?? '0', gap: above === null ? IDENTITY_GAP : 0 })
  }
}

async function listIdentities(client: pg.Client, schema: string | null): Promise<TableName[]> {
  const { rows } = await client.query<TableName>(
    `select n.nspname as schema, c.relname as table from pg_attribute a
       join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where a.attname = $1 and a.attidentity <> '' and c.relkind = 'r' and c.relname <> all($2)
        and ($3::text is null or n.nspname = $3)`,
    [ID_COLUMN, OWN_TABLES, schema],
  )
  return rows
}

/**
 * New ids of a table start above those that it has, and above `above`; never below what they started at before. `gap`: so
 * much further than that, as far as there are any. Nothing to do where ids are texts.
 */
export async function raiseIdentity(
  client: pg.Client,
  { schema, table }: TableName,
  { gap = 0, above = '0' }: { gap?: number; above?: string } = {},
): Promise<void> {
  const sequence = await identityOf(client, { schema, table })
  if (sequence === null) return
  await client.query(
    `select setval($1::regclass, wanted)
       from (select coalesce(pg_sequence_last_value($1::regclass), 0) as given) s,
            lateral (select least(greatest(max(t.id), s.given, $2::bigint), $4::bigint - $3::bigint)
                              + $3::bigint as wanted
                       from ${id(schema)}.${id(table)} t) w
      where wanted > given`,
    [sequence, above, gap, Number.MAX_SAFE_INTEGER],
  )
}

/** The last id that was given, as digits; null where none was, or ids are texts. */
export async function lastIdentity(client: pg.Client, name: TableName): Promise<string | null> {
  const sequence = await identityOf(client, name)
  if (sequence === null) return null
  const { rows } = await client.query<{ last: string | null }>(
    'select pg_sequence_last_value($1::regclass)::text as last',
    [sequence],
  )
  return rows[0]?.last ?? null
}

/** What a table's ids are, or null where there is no such table. */
export async function readIdType(client: pg.Client, { schema, table }: TableName): Promise<IdType | null> {
  const { rows } = await client.query<{ type: string }>(
    `select format_type(a.atttypid, null) as type from pg_attribute a
       join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'r' and a.attname = $3 and not a.attisdropped`,
    [schema, table, ID_COLUMN],
  )
  const [found] = rows
  return found ? (found.type === 'bigint' ? 'integer' : 'string') : null
}

async function identityOf(client: pg.Client, { schema, table }: TableName): Promise<string | null> {
  const { rows } = await client.query<{ sequence: string | null }>(
    'select pg_get_serial_sequence($1, $2) as sequence',
    [`${id(schema)}.${id(table)}`, ID_COLUMN],
  )
  return rows[0]?.sequence ?? null
}
