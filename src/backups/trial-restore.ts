// Proves that a server can be restored, by doing it: into a scratch cluster, which is looked at closely and removed.
import type pg from 'pg'
import type { Cluster } from '../databases/cluster.ts'
import { messageOf } from '../kit/fault.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { type RestoreOptions, type RestoreReport, restoreServer } from './restore.ts'
import type { ServerVault } from './server-vault.ts'

export type TrialReport = {
  restore: RestoreReport
  indexes: number
  /** Rows of each table of people, as `database.schema.table`. */
  rows: Record<string, number>
  /** What PostgreSQL found wrong with the restored data; empty when all is well. */
  problems: string[]
}

const IS_OURS = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'`

/**
 * Restores the newest moment into `cluster`, a scratch one of the caller's whose folder goes at the end in any case; then
 * checks every B-tree against its table, every page of every table, and counts the rows. Faults as `restoreServer` does.
 */
export async function verifyByRestore(
  vault: ServerVault,
  options: Omit<RestoreOptions, 'target'>,
): Promise<TrialReport> {
  const { cluster } = options
  try {
    const restore = await restoreServer(vault, { ...options, target: { kind: 'latest' } })
    await cluster.start()
    const report: TrialReport = { restore, indexes: 0, rows: {}, problems: [] }
    for (const database of await listDatabases(cluster)) {
      options.signal?.throwIfAborted()
      await cluster.withClient(async (client) => await checkDatabase(client, database, report), { database })
    }
    return report
  } finally {
    await cluster.discard()
  }
}

async function listDatabases(cluster: Cluster): Promise<string[]> {
  const found = await cluster.withClient(
    async (client) =>
      await client.query<{ name: string }>('select datname as name from pg_database where datallowconn order by 1'),
  )
  return found.rows.map(({ name }) => name)
}

async function checkDatabase(client: pg.Client, database: string, report: TrialReport): Promise<void> {
  await client.query('create extension if not exists amcheck')
  const indexes = await client.query<{ name: string; oid: number }>(
    `select c.oid, c.oid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
       join pg_am a on a.oid = c.relam
      where a.amname = 'btree' and i.indisvalid and i.indisready and c.relpersistence = 'p' order by c.oid`,
  )
  for (const { oid, name } of indexes.rows) {
    report.indexes += 1
    await client.query('select bt_index_check($1::oid::regclass, true)', [oid]).catch((error: unknown) => {
      report.problems.push(`${database}: index ${name}: ${messageOf(error)}`)
    })
  }
  const tables = await client.query<{ schema: string; name: string; oid: number }>(
    `select c.oid, n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and c.relpersistence = 'p' and ${IS_OURS} order by 2, 3`,
  )
  for (const table of tables.rows) await checkTable(client, `${database}.${table.schema}.${table.name}`, table, report)
}

async function checkTable(
  client: pg.Client,
  path: string,
  table: { schema: string; name: string; oid: number },
  report: TrialReport,
): Promise<void> {
  try {
    // Also follows what is kept outside the table's own pages.
    const found = await client.query<{ page: string; message: string }>(
      'select blkno::text as page, msg as message from verify_heapam($1::oid::regclass, check_toast => true) limit 5',
      [table.oid],
    )
    for (const { page, message } of found.rows) report.problems.push(`${path}: page ${page}: ${message}`)
    const counted = await client.query<{ rows: string }>(
      `select count(*)::text as rows from ${id(table.schema)}.${id(table.name)}`,
    )
    report.rows[path] = Number(counted.rows[0]?.rows ?? 0)
  } catch (error) {
    report.problems.push(`${path}: ${messageOf(error)}`)
  }
}
