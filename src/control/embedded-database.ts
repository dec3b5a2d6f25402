// The control database of a home: a PostgreSQL of control's own, which is started again whenever it has died.
import { join } from 'node:path'
import { prepareBinaries } from '../databases/binaries.ts'
import { Cluster } from '../databases/cluster.ts'
import { PORT, SUPERUSER } from '../databases/cluster-config.ts'
import type { DatabaseTarget } from '../databases/database-url.ts'
import { repeat } from '../kit/clock.ts'
import { readTextIfAny, removeTree, writeFileDurably } from '../kit/files.ts'
import { makeOpenFolder, postgresFolderOf, socketFolderOf } from '../kit/home-folder.ts'
import { randomKey } from '../kit/identifiers.ts'
import type { Log } from '../kit/log.ts'

const LOOK_EVERY_MS = 250

export class EmbeddedDatabase {
  /** Where to connect to it. */
  readonly target: DatabaseTarget
  readonly #home: string
  readonly #cluster: Cluster
  readonly #stopping = new AbortController()
  readonly #watching: Promise<void>

  private constructor(home: string, options: { cluster: Cluster; target: DatabaseTarget; log: Log }) {
    const { cluster, target, log } = options
    this.#home = home
    this.target = target
    this.#cluster = cluster
    const onError = (error: unknown) => log.error({ err: error }, 'the control database cannot be started again')
    this.#watching = repeat({ everyMs: LOOK_EVERY_MS, signal: this.#stopping.signal, onError }, async () => {
      if (cluster.isRunning) return
      log.warn('the control database has died; it is started again')
      await cluster.start()
    })
  }

  /** Starts the one of this home, made when there is none. Faults with `postgres.start_failed`. */
  static async open(home: string, log: Log): Promise<EmbeddedDatabase> {
    const folder = await makeOpenFolder(await postgresFolderOf(home))
    const socketFolder = join(await makeOpenFolder(socketFolderOf(home)), 'control')
    const password = await keptPassword(home)
    const cluster = new Cluster({
      name: 'control',
      folder: join(folder, 'control'),
      socketFolder,
      binaries: await prepareBinaries(folder),
      superuserPassword: password,
    })
    await cluster.initialize()
    await cluster.start()
    const hosts = [{ host: socketFolder, port: PORT }]
    const advice = `Control starts it again by itself. When this lasts, see ${join(cluster.folder, 'postgresql.log')}`
    const target: DatabaseTarget = { hosts, user: SUPERUSER, password, database: 'postgres', tls: 'disable', advice }
    return new EmbeddedDatabase(home, { cluster, target, log })
  }

  /** Stops it in order, for good. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#watching
    await this.#cluster.stop('fast')
    await removeTree(socketFolderOf(this.#home))
  }
}

async function keptPassword(home: string): Promise<string> {
  const path = join(home, 'control-database.password')
  const kept = await readTextIfAny(path)
  if (kept !== null) return kept.trim()
  const made = randomKey()
  await writeFileDurably(path, `${made}\n`)
  return made
}
