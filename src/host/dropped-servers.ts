// Copies of servers that are to go from this host, with their data. Only what is named, and no newer than was meant.
import { join } from 'node:path'
import { faultPoint } from '../kit/fault-points.ts'
import { readJsonIfAny, removeTree } from '../kit/files.ts'
import type { Log } from '../kit/log.ts'
import type { Kept } from './server-duty.ts'

export type Drop = { name: string; epoch: number }

export class DroppedServers {
  readonly #postgresFolder: string
  readonly #log: Log
  #gone: string[] = []

  constructor(options: { postgresFolder: string; log: Log }) {
    this.#postgresFolder = options.postgresFolder
    this.#log = options.log
  }

  /** Those of the last list of which nothing is left. */
  get gone(): string[] {
    return this.#gone
  }

  /** Removes the folders; none of the servers runs any more. What cannot go, or is newer than was meant, stays. */
  async ensure(wanted: Drop[]): Promise<void> {
    this.#gone = []
    if (wanted.length > 0) faultPoint('host.drop.stopped')
    for (const { name, epoch } of wanted) {
      try {
        const folder = join(this.#postgresFolder, name)
        const kept = await readJsonIfAny<Kept>(join(folder, 'server.json'))
        if (kept && kept.epoch > epoch) {
          this.#log.warn({ server: name, epoch, kept }, 'told to drop a server whose data is newer: it is kept')
          continue
        }
        await removeTree(folder)
        this.#gone.push(name)
      } catch (error) {
        // Tried again with the next assignment; nothing else has to wait for it.
        this.#log.warn({ server: name, err: error }, 'cannot drop a server')
      }
    }
  }
}
