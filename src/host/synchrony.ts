// Whether commits of a primary wait for its standby: what control wants, for as long as a lease ties the two together.
import type pg from 'pg'
import type { Cluster } from '../databases/cluster.ts'
import { isSynchronousWith, setSynchronousStandby } from '../databases/synchronous.ts'

export class Synchrony {
  readonly #cluster: Cluster
  /** The slot of the standby that is waited for, as it is set in the running server; undefined when nobody knows. */
  #set: string | null | undefined
  #isInForce = false

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** True once every commit waits until that standby has it on disk. It stays true while the standby is away. */
  get isInForce(): boolean {
    return this.#isInForce
  }

  /** The server was started with that standby to wait for: from its first commit on. */
  noteStarted(slot: string | null): void {
    this.#set = slot
    this.#isInForce = false
  }

  /** Nothing is known of the server any more: it was stopped, or is another's. */
  forget(): void {
    this.#set = undefined
    this.#isInForce = false
  }

  /** Makes commits wait for that standby, or for nobody. */
  async follow(slot: string | null): Promise<void> {
    if (this.#set !== slot) {
      this.#isInForce = false
      await this.#ask(async (client) => await setSynchronousStandby(client, slot))
      this.#set = slot
    }
    if (slot === null || this.#isInForce) return
    this.#isInForce = await this.#ask(async (client) => await isSynchronousWith(client, slot))
  }

  async #ask<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return await this.#cluster.withClient(work)
  }
}
