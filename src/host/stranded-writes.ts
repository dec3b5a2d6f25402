// What a quarantined server wrote and its successor never got: decoded once, into a bundle, and told with its facts.
import type { BundleSummary } from '../contract/divergence.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import type { Cluster } from '../databases/cluster.ts'
import { exportBundle } from '../databases/divergence/export.ts'
import { messageOf } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import type { Log } from '../kit/log.ts'
import { type Bundles, summaryOf } from './bundles.ts'

/** `bundle` and `problem` are both null until it was tried. */
export type Stranded = { epoch: number; bundle: BundleSummary | null; problem: string | null }

export class StrandedWrites {
  readonly #cluster: Cluster
  readonly #bundles: Bundles
  readonly #log: Log
  #found: Stranded | null = null

  constructor(deps: { cluster: Cluster; bundles: Bundles; log: Log }) {
    this.#cluster = deps.cluster
    this.#bundles = deps.bundles
    this.#log = deps.log
  }

  get found(): Stranded | null {
    return this.#found
  }

  /** Decodes what was written under `epoch` beyond the fork, once; what cannot be decoded is told, and kept as it is. */
  async decode(wanted: { epoch: number; forkLsn: string | null }): Promise<void> {
    const { epoch, forkLsn } = wanted
    if (this.#found?.epoch === epoch || forkLsn === null || !this.#cluster.hasData) return
    try {
      this.#found = { epoch, bundle: await this.#export(epoch, forkLsn), problem: null }
    } catch (error) {
      const server = this.#cluster.name
      this.#log.error({ server, epoch, err: error }, 'stranded writes cannot be decoded; all is kept')
      this.#found = { epoch, bundle: null, problem: messageOf(error) }
    }
  }

  async #export(epoch: number, forkLsn: string): Promise<BundleSummary> {
    const name = { server: this.#cluster.name, epoch }
    if (this.#bundles.has(name)) return summaryOf(await this.#bundles.open(name))
    try {
      await this.#cluster.start({ kind: 'reader' })
      const path = await this.#bundles.pathFor(name)
      const bundle = await this.#cluster.withClient(
        async (client) => await exportBundle(client, { ...name, path, forkLsn }),
        { database: APPS_DATABASE },
      )
      await this.#bundles.load()
      faultPoint('host.stranded.exported')
      return summaryOf(bundle)
    } finally {
      // It wrote nothing, and nobody else is to look at it.
      await this.#cluster.stop('immediate')
    }
  }
}
