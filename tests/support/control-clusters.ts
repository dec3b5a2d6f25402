// An external control database for tests: a real PostgreSQL with a user and a database, and a standby that follows it.
import { chmod, mkdtemp } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePlatform } from '../../src/databases/app-schema.ts'
import { takeBaseBackup } from '../../src/databases/base-backup.ts'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { ensureSlots, promote } from '../../src/databases/replication.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { spliceToPath } from '../../src/kit/door.ts'
import { removeTree } from '../../src/kit/files.ts'
import { randomKey } from '../../src/kit/identifiers.ts'

const USER = 'keeper'
const DATABASE = 'mainstay_control'
const SLOT = 'follower'

/** One cluster with a port of its own on loopback, which leads to its socket. */
export class ReachableCluster {
  readonly cluster: Cluster
  readonly password: string
  #server: Server | null = null
  #sockets = new Set<Socket>()
  port = 0

  constructor(cluster: Cluster, password: string) {
    this.cluster = cluster
    this.password = password
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      spliceToPath(socket, join(this.cluster.socketFolder, '.s.PGSQL.5432'))
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server?.close()
    await this.cluster.kill()
  }
}

export type ControlClusters = {
  folder: string
  primary: ReachableCluster
  standby: ReachableCluster | null
  /** The URL of the database on these, over TCP; or over the primary's socket folder. */
  url: (options?: { over?: 'tcp' | 'socket'; password?: string; database?: string; ports?: number[] }) => string
  /** Runs SQL as superuser on the primary. */
  sql: (text: string, database?: string) => Promise<Record<string, unknown>[]>
  /** The primary dies at once; the standby takes over when told. */
  failOver: () => Promise<void>
  stop: () => Promise<void>
}

/** Starts it; the caller stops it in an `after` hook. */
export async function startControlClusters(options: { hasStandby: boolean }): Promise<ControlClusters> {
  const folder = await mkdtemp(join(tmpdir(), 'mcd-'))
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o755)
  const password = randomKey()
  const replication = randomKey()
  const superuserPassword = randomKey()
  const binaries = await prepareBinaries(join(folder, 'bin'))
  const make = (name: string) =>
    new Cluster({
      name,
      folder: join(folder, name),
      socketFolder: join(folder, `s${name}`),
      binaries,
      superuserPassword,
    })
  const primary = new ReachableCluster(make('one'), password)
  const standby = options.hasStandby ? new ReachableCluster(make('two'), password) : null
  const stop = async () => {
    await Promise.all([primary.close(), standby?.close()])
    await removeTree(folder)
  }
  const sql = async (text: string, database = DATABASE) =>
    await primary.cluster.withClient(async (client) => (await client.query(text)).rows, { database })
  try {
    await primary.cluster.initialize()
    await primary.cluster.start()
    await primary.listen()
    await sql(`create role ${USER} login password '${password}'`, 'postgres')
    await sql(`create database ${DATABASE} owner ${USER}`, 'postgres')
    if (standby) await follow(primary, standby, replication)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    folder,
    primary,
    standby,
    url({ over = 'tcp', password: given = password, database = DATABASE, ports } = {}) {
      const all = ports ?? [primary.port, ...(standby ? [standby.port] : [])]
      const places = all.map((port) => `127.0.0.1:${port}`).join(',')
      const host = over === 'socket' ? encodeURIComponent(primary.cluster.socketFolder) : places
      return `postgres://${USER}:${given}@${host}/${database}`
    },
    sql,
    async failOver() {
      await primary.close()
      await standby?.cluster.withClient(promote)
    },
    stop,
  }
}

async function follow(primary: ReachableCluster, standby: ReachableCluster, password: string): Promise<void> {
  await ensurePlatform(async (database, work) => await primary.cluster.withClient(work, { database }), {
    replicationPassword: password,
  })
  await primary.cluster.withClient(async (client) => await ensureSlots(client, [SLOT]))
  const upstream = { socketFolder: primary.cluster.socketFolder, password, slot: SLOT }
  await standby.cluster.beginFolder()
  await takeBaseBackup(upstream, standby.cluster.dataFolder, () => {})
  await standby.cluster.finishFolder()
  await standby.cluster.start({ kind: 'standby', upstream })
  await standby.listen()
  await waitFor(
    'the standby to follow',
    async () => {
      const rows = await primary.cluster.withClient(
        async (client) => (await client.query(`select 1 from pg_stat_replication where state = 'streaming'`)).rows,
      )
      return rows.length > 0 ? true : undefined
    },
    { withinMs: 20_000, everyMs: 50 },
  )
}
