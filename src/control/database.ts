// The control database: an embedded PostgreSQL of its own, migrated at start.
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'
import * as initial from '../../migrations/0001-initial.ts'
import * as scriptsScaleAudit from '../../migrations/0002-scripts-scale-audit.ts'
import * as machines from '../../migrations/0003-machines.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { prepareBinaries } from '../databases/binaries.ts'
import { Cluster } from '../databases/cluster.ts'
import { SUPERUSER } from '../databases/cluster-config.ts'
import { Fault } from '../kit/fault.ts'
import { readTextIfAny, removeTree, writeFileDurably } from '../kit/files.ts'
import { makeOpenFolder, postgresFolderOf, socketFolderOf } from '../kit/home-folder.ts'
import { randomKey } from '../kit/identifiers.ts'
import { CONTROL_CONNECTIONS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'

const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-scripts-scale-audit': scriptsScaleAudit,
  '0003-machines': machines,
}

export type ControlStore = { db: Kysely<ControlDatabase>; cluster: Cluster; close: () => Promise<void> }

/** Starts the embedded server of this home and opens the database, making both at first use. */
export async function openControlStore(home: string, log: Log): Promise<ControlStore> {
  const folder = await makeOpenFolder(await postgresFolderOf(home))
  const cluster = new Cluster({
    name: 'control',
    folder: join(folder, 'control'),
    socketFolder: join(await makeOpenFolder(socketFolderOf(home)), 'control'),
    binaries: await prepareBinaries(folder),
    superuserPassword: await keptPassword(join(home, 'control-database.password')),
  })
  await cluster.initialize()
  await cluster.start()
  const pool = new pg.Pool({
    host: cluster.socketFolder,
    user: SUPERUSER,
    password: (await keptPassword(join(home, 'control-database.password'))).trim(),
    database: 'postgres',
    max: CONTROL_CONNECTIONS_MAX,
    connectionTimeoutMillis: 5_000,
  })
  pool.on('error', (error) => log.warn({ err: error }, 'a connection to the control database broke'))
  const db = new Kysely<ControlDatabase>({ dialect: new PostgresDialect({ pool }) })
  await migrate(db)
  return {
    db,
    cluster,
    async close() {
      await db.destroy()
      await cluster.stop('fast')
      await removeTree(socketFolderOf(home))
    },
  }
}

async function migrate(db: Kysely<ControlDatabase>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    throw new Fault('control.migration_failed', 500, 'the control database could not be migrated', { cause: error })
  }
}

async function keptPassword(path: string): Promise<string> {
  const kept = await readTextIfAny(path)
  if (kept !== null) return kept.trim()
  const made = randomKey()
  await writeFileDurably(path, `${made}\n`)
  return made
}
