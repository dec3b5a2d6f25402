// PostgreSQL clusters that live for one piece of work: beside the servers, and gone afterwards, whatever happens.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from '../databases/binaries.ts'
import { Cluster } from '../databases/cluster.ts'

// No server is called so: their names begin with a letter.
const PREFIX = '.scratch-'
const NAME_LENGTH = 8

export class ScratchClusters {
  readonly #folders: { postgres: string; sockets: string }
  readonly #binaries: Binaries

  constructor(options: { postgresFolder: string; socketFolder: string; binaries: Binaries }) {
    this.#folders = { postgres: options.postgresFolder, sockets: options.socketFolder }
    this.#binaries = options.binaries
  }

  /** Does `work` with a cluster that has no data yet; its folder and its processes go at the end in any case. */
  async use<T>(job: string, superuserPassword: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = this.#cluster(`${PREFIX}${job.slice(0, NAME_LENGTH)}`, superuserPassword)
    try {
      return await work(cluster)
    } finally {
      await cluster.discard()
    }
  }

  /** Ends and removes what a process before this one left behind. */
  async sweep(): Promise<void> {
    const names = (await readdir(this.#folders.postgres)).filter((name) => name.startsWith(PREFIX))
    for (const name of names) await this.#cluster(name, '').discard()
  }

  #cluster(name: string, superuserPassword: string): Cluster {
    const folder = join(this.#folders.postgres, name)
    const socketFolder = join(this.#folders.sockets, name.slice(1))
    return new Cluster({ name: name.slice(1), folder, socketFolder, binaries: this.#binaries, superuserPassword })
  }
}
