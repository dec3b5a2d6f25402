// The rows of the control database: read at one moment for an archive, and written back into an empty database.
import type pg from 'pg'
import { quoteIdentifier, quoteLiteral } from '../kit/identifiers.ts'
import { ARCHIVE_BATCH_ROWS, ARCHIVE_READ_MS_MAX } from '../kit/limits.ts'
import type { Archive, ArchivedTable, ArchiveHeader } from './archive-file.ts'
import { PIECE_TABLES } from './archived-pieces.ts'
import { RESTORING_TABLE } from './database.ts'

/** Not worth an archive: true of running processes only, or measured, which is large and which no service needs. */
export const PASSING_TABLES = ['controls', 'executor', 'measures', 'usage']
// The migrations are in the header.
const LEFT_OUT = new Set([
  ...PASSING_TABLES,
  ...PIECE_TABLES,
  'kysely_migration',
  'kysely_migration_lock',
  RESTORING_TABLE,
])

// Text that does not depend on how the session, or another server, is set up.
const SETTINGS = `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601';
  set extra_float_digits = 1; set bytea_output = 'hex'; set statement_timeout = ${ARCHIVE_READ_MS_MAX};
  set idle_in_transaction_session_timeout = ${ARCHIVE_READ_MS_MAX}`

/** Reads everything, as it was at one moment. */
export async function readArchive(
  client: pg.Client,
  about: { keyFingerprint: string; takenAt: Date },
): Promise<Archive> {
  await client.query(SETTINGS)
  await client.query('begin isolation level repeatable read read only')
  try {
    const { rows } = await client.query<{ name: string }>('select name from kysely_migration order by name')
    const desired = await client.query<{ version: string }>('select version::text from desired')
    const tables = await readTables(client, await archivedTables(client))
    const header: ArchiveHeader = {
      takenAt: about.takenAt.toISOString(),
      migrations: rows.map((row) => row.name),
      keyFingerprint: about.keyFingerprint,
      version: desired.rows[0]?.version ?? '0',
      // Last: a sequence shows its newest value to everybody, and one that is too high does no harm.
      sequences: await readSequences(client),
    }
    return { header, tables }
  } finally {
    await client.query('rollback')
  }
}

/** Writes an archive into tables that its migrations have made, inside the caller's transaction. */
export async function loadArchive(client: pg.Client, archive: Archive): Promise<void> {
  const keys = await foreignKeys(client)
  // Rows refer to each other in circles; the references are checked when all rows are there.
  for (const key of keys) await client.query(`alter table ${key.table} drop constraint ${key.name}`)
  const names = await archivedTables(client)
  await client.query(`truncate ${names.map(quoteIdentifier).join(', ')}`)
  for (const table of archive.tables) await loadTable(client, table)
  for (const key of keys) {
    await client.query(`alter table ${key.table} add constraint ${key.name} ${key.definition}`)
  }
  for (const { name, lastValue, isCalled } of archive.header.sequences) {
    await client.query('select setval($1::regclass, $2::bigint, $3)', [quoteIdentifier(name), lastValue, isCalled])
  }
}

async function archivedTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  )
  return rows.map(({ name }) => name).filter((name) => !LEFT_OUT.has(name))
}

// All tables by one message each way: an archive is written after each change, and most of them are small.
async function readTables(client: pg.Client, names: string[]): Promise<ArchivedTable[]> {
  const columns = await columnsOfTables(client)
  const tables = names.map((name) => ({ name, columns: columns.get(name) ?? [] }))
  const text = tables
    .map((table) => {
      const list = table.columns.map((column) => `${quoteIdentifier(column)}::text`).join(', ')
      return `select ${list} from ${quoteIdentifier(table.name)}`
    })
    .join('; ')
  const answers = await client.query<(string | null)[]>({ text, rowMode: 'array' })
  // One statement has one answer, several have a list of them.
  const found = [answers].flat()
  return tables.map((table, at) => ({ ...table, rows: found[at]?.rows ?? [] }))
}

async function columnsOfTables(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select relname as name, array_agg(attname::text order by attnum) as columns
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
       and attgenerated = ''
     group by relname`,
  )
  return new Map(rows.map(({ name, columns: own }) => [name, own]))
}

async function loadTable(client: pg.Client, { name, columns, rows }: ArchivedTable): Promise<void> {
  const list = columns.map(quoteIdentifier).join(', ')
  for (let from = 0; from < rows.length; from += ARCHIVE_BATCH_ROWS) {
    const batch = rows.slice(from, from + ARCHIVE_BATCH_ROWS)
    const values = batch.map((_, row) => `(${columns.map((__, at) => `$${row * columns.length + at + 1}`).join(', ')})`)
    const statement = `insert into ${quoteIdentifier(name)} (${list}) overriding system value values ${values.join(', ')}`
    await client.query(statement, batch.flat())
  }
}

async function readSequences(client: pg.Client): Promise<ArchiveHeader['sequences']> {
  const { rows } = await client.query<{ name: string }>(
    `select sequencename as name from pg_sequences where schemaname = 'public' order by 1`,
  )
  const sequences: ArchiveHeader['sequences'] = []
  for (const { name } of rows) {
    const found = await client.query<{ value: string; called: boolean }>(
      `select last_value::text as value, is_called as called from ${quoteIdentifier(name)}`,
    )
    const [row] = found.rows
    if (row) sequences.push({ name, lastValue: row.value, isCalled: row.called })
  }
  return sequences
}

async function foreignKeys(client: pg.Client): Promise<{ table: string; name: string; definition: string }[]> {
  const { rows } = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace order by 1, 2`,
  )
  return rows
}

/** Removes every table of ours: what a restore that was broken off has left. */
export async function emptyDatabase(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> ${quoteLiteral(RESTORING_TABLE)}`,
  )
  for (const { name } of rows) await client.query(`drop table if exists ${quoteIdentifier(name)} cascade`)
  await client.query('drop sequence if exists epochs')
}
