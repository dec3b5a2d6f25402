// The control database: an embedded PostgreSQL of its own, or an external one by URL; migrated at start.
import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import * as initial from '../../migrations/0001-initial.ts'
import * as scriptsScaleAudit from '../../migrations/0002-scripts-scale-audit.ts'
import * as machines from '../../migrations/0003-machines.ts'
import * as controlProcesses from '../../migrations/0004-control-processes.ts'
import * as servers from '../../migrations/0005-servers.ts'
import * as backups from '../../migrations/0006-backups.ts'
import * as changedDatabases from '../../migrations/0007-changed-databases.ts'
import * as externalServers from '../../migrations/0008-external-servers.ts'
import * as endedBackups from '../../migrations/0009-ended-backups.ts'
import * as serviceDashboard from '../../migrations/0010-service-dashboard.ts'
import * as notices from '../../migrations/0011-notices.ts'
import * as accounts from '../../migrations/0012-accounts.ts'
import * as history from '../../migrations/0013-history.ts'
import * as keyRequired from '../../migrations/0014-key-required.ts'
import * as madeWithSoftDelete from '../../migrations/0015-made-with-soft-delete.ts'
import * as customApis from '../../migrations/0016-custom-apis.ts'
import * as scheduledJobs from '../../migrations/0017-scheduled-jobs.ts'
import * as whatAppsMaySend from '../../migrations/0018-what-apps-may-send.ts'
import * as domainsAndCertificates from '../../migrations/0019-domains-and-certificates.ts'
import * as pushSettings from '../../migrations/0020-push-settings.ts'
import * as authProviders from '../../migrations/0021-auth-providers.ts'
import * as idTypes from '../../migrations/0022-id-types.ts'
import * as npmModules from '../../migrations/0023-npm-modules.ts'
import * as managementProtocol from '../../migrations/0024-management-protocol.ts'
import * as sourceControl from '../../migrations/0025-source-control.ts'
import * as apiRoutes from '../../migrations/0026-api-routes.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { type DatabaseTarget, parseDatabaseUrl } from '../databases/database-url.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'
import { EmbeddedDatabase } from './embedded-database.ts'
import { WritablePool } from './writable-pool.ts'

/** Every migration, in order. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-scripts-scale-audit': scriptsScaleAudit,
  '0003-machines': machines,
  '0004-control-processes': controlProcesses,
  '0005-servers': servers,
  '0006-backups': backups,
  '0007-changed-databases': changedDatabases,
  '0008-external-servers': externalServers,
  '0009-ended-backups': endedBackups,
  '0010-service-dashboard': serviceDashboard,
  '0011-notices': notices,
  '0012-accounts': accounts,
  '0013-history': history,
  '0014-key-required': keyRequired,
  '0015-made-with-soft-delete': madeWithSoftDelete,
  '0016-custom-apis': customApis,
  '0017-scheduled-jobs': scheduledJobs,
  '0018-what-apps-may-send': whatAppsMaySend,
  '0019-domains-and-certificates': domainsAndCertificates,
  '0020-push-settings': pushSettings,
  '0021-auth-providers': authProviders,
  '0022-id-types': idTypes,
  '0023-npm-modules': npmModules,
  '0024-management-protocol': managementProtocol,
  '0025-source-control': sourceControl,
  '0026-api-routes': apiRoutes,
}

export type Db = Kysely<ControlDatabase>

export type ControlStore = {
  db: Db
  pool: WritablePool
  /** True when no other process can be on it: it is ours, in a home that we locked. */
  isEmbedded: boolean
  close: () => Promise<void>
}

type Source = { target: DatabaseTarget; close: () => Promise<void> }

/** Opens the database of `url`, or the embedded one of this home when there is none; makes and migrates its tables. */
export async function openControlStore(options: { home: string; url: string | null; log: Log }): Promise<ControlStore> {
  const store = await connectControlStore(options)
  try {
    await requireOurs(store.db)
    await migrate(store.db)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/** As `openControlStore`, without looking at what is in it. */
export async function connectControlStore(options: {
  home: string
  url: string | null
  log: Log
}): Promise<ControlStore> {
  const { home, url, log } = options
  const source: Source =
    url === null ? await EmbeddedDatabase.open(home, log) : { target: parseDatabaseUrl(url), close: async () => {} }
  const pool = new WritablePool(source.target, log)
  const db = openDb(pool)
  const close = async () => {
    await db.destroy()
    // Kysely ends only a pool that it has used.
    await pool.end()
    await source.close()
  }
  try {
    await pool.open()
  } catch (error) {
    await close()
    throw error
  }
  return { db, pool, isEmbedded: url === null, close }
}

/** A database handle over a pool. */
export function openDb(pool: PostgresPool): Db {
  return new Kysely<ControlDatabase>({ dialect: new PostgresDialect({ pool }) })
}

/** Brings the tables to `to`, or to the newest that we know. Faults with `control.migration_failed`. */
export async function migrate(db: Db, to: string | null = null): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const unknown = (await appliedMigrations(db)).filter((name) => !(name in MIGRATIONS))
  if (unknown.length > 0) {
    throw new Fault(
      'control.newer_database',
      500,
      `a newer Mainstay made this control database (${unknown.join(', ')})`,
      {
        hint: 'Run that version of Mainstay here, too.',
      },
    )
  }
  const { error } = to === null ? await migrator.migrateToLatest() : await migrator.migrateTo(to)
  if (!error) return
  throw new Fault('control.migration_failed', 500, `the control database could not be migrated: ${messageOf(error)}`, {
    hint: 'The user of the URL must own the database, or be allowed to create tables in its schema public.',
    cause: error,
  })
}

/** The names of the migrations that a database has, oldest first; none when it is empty. */
export async function appliedMigrations(db: Db): Promise<string[]> {
  if (!(await listTables(db)).includes('kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}

/** The tables in the schema `public`. */
export async function listTables(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public' order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

/** Marks a database into which an archive is being loaded: nothing else may be done with it until that is done. */
export const RESTORING_TABLE = 'mainstay_restoring'

// An URL with a wrong database name must not put our tables among somebody else's.
async function requireOurs(db: Db): Promise<void> {
  const tables = await listTables(db)
  if (tables.includes(RESTORING_TABLE)) {
    throw new Fault('control.half_restored', 500, 'a restore into this control database was not finished', {
      hint: 'Give the same mainstay control restore command again; it begins anew.',
    })
  }
  // Another control may be making the tables just now.
  const isBeingMade = tables.every((table) => table.startsWith('kysely_migration'))
  if (isBeingMade || (tables.includes('kysely_migration') && tables.includes('desired'))) return
  throw new Fault(
    'control.database_foreign',
    500,
    `this database holds the tables of something else (${tables[0]}, …)`,
    {
      hint: 'Give control a database of its own: create database mainstay_control.',
    },
  )
}
