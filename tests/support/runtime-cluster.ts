// A real PostgreSQL in a fresh folder, with schemas as a host makes them, for tests of the runtime.
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { DatabaseAssignment } from '../../src/contract/assignment.ts'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { APPS_DATABASE, loginRole } from '../../src/contract/table-format.ts'
import { ensurePlatform, ensureSchema } from '../../src/databases/app-schema.ts'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { removeTree } from '../../src/kit/files.ts'
import { randomKey } from '../../src/kit/identifiers.ts'

export const SERVER = 'sql-test'

export type TestCluster = {
  cluster: Cluster
  folder: string
  /** Makes a service's schema and gives its assignment; the same id again takes the next epoch. */
  addService: (options: Partial<RuntimeService> & { name: string }) => Promise<RuntimeService>
  /** Runs SQL as superuser in the apps database. */
  sql: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>
  stop: () => Promise<void>
}

/** Starts it; the caller stops it in an `after` hook. */
export async function startTestCluster(): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'mst-'))
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o755)
  const binaries = await prepareBinaries(join(folder, 'bin'))
  const cluster = new Cluster({
    name: SERVER,
    folder: join(folder, 'pg'),
    socketFolder: join(folder, 's'),
    binaries,
    superuserPassword: randomKey(),
  })
  const stop = async () => {
    await cluster.stop('immediate')
    await removeTree(folder)
  }
  try {
    await cluster.initialize()
    await cluster.start()
    await ensurePlatform(async (database, work) => await cluster.withClient(work, { database }), {
      replicationPassword: randomKey(),
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    cluster,
    folder,
    addService: async (options) => await addService(cluster, options),
    sql: async (text, values = []) =>
      await cluster.withClient(async (client) => (await client.query(text, values)).rows, { database: APPS_DATABASE }),
    stop,
  }
}

async function addService(
  cluster: Cluster,
  options: Partial<RuntimeService> & { name: string },
): Promise<RuntimeService> {
  const id = options.id ?? options.name
  const epoch = options.epoch ?? 1
  const database: DatabaseAssignment = {
    server: SERVER,
    serverEpoch: 1,
    database: APPS_DATABASE,
    schema: options.name,
    user: loginRole(id, epoch),
    password: randomKey(),
    remote: null,
  }
  const tables = options.tables ?? [{ name: 'TodoItem', permissions: DEFAULT_PERMISSIONS }]
  await cluster.withClient(
    async (client) =>
      await ensureSchema(client, {
        serviceId: id,
        schema: options.name,
        epoch,
        loginPassword: database.password,
        tables: tables.map(({ name }) => name),
        integerTables: tables.filter(({ idType }) => idType === 'integer').map(({ name }) => name),
        droppedTables: [],
        state: 'open',
      }),
    { database: APPS_DATABASE },
  )
  return {
    id,
    epoch,
    applicationKey: 'app-key',
    masterKey: 'master-key',
    isSchemaDynamic: true,
    generation: 0,
    scripts: [],
    scriptFolder: '/nonexistent',
    database,
    socketFolder: cluster.socketFolder,
    ...options,
    tables,
  }
}
