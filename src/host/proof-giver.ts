// The other end of a lease: the standby's host gives proof that it has not promoted, until it is about to.
import { join } from 'node:path'
import type { ProofAnswer, ProofRequest } from '../contract/facts.ts'
import { decideProof, promotionWaitMs } from '../databases/lease.ts'
import { bootMs } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import { LEASE_MS, LEASE_WAIT_MARGIN_MS } from '../kit/limits.ts'

type Kept = { endedBelowEpoch: number }

export class ProofGiver {
  readonly #path: string
  readonly #startedAt = bootMs()
  #endedBelowEpoch = 0
  #givenAt: number | null = null
  #standbyEpoch: number | null = null
  #given = 0
  #refused = 0

  constructor(folder: string) {
    this.#path = join(folder, 'proofs.json')
  }

  /** Proofs given, and refused because a later epoch has begun. */
  get counts(): { given: number; refused: number } {
    return { given: this.#given, refused: this.#refused }
  }

  /** Reads what an earlier process promised. */
  async load(): Promise<void> {
    this.#endedBelowEpoch = (await readJsonIfAny<Kept>(this.#path))?.endedBelowEpoch ?? 0
  }

  /** The epoch whose standby is kept here, or null. */
  setStandby(epoch: number | null): void {
    this.#standbyEpoch = epoch
  }

  /**
   * Answers the primary's host. Not given: a later epoch has begun here. Faults with `lease.unknown_server` when this host
   * is no standby of that server (yet), which proves nothing.
   */
  answer(request: ProofRequest): ProofAnswer {
    const facts = { endedBelowEpoch: this.#endedBelowEpoch, standbyEpoch: this.#standbyEpoch }
    const decision = decideProof(facts, request.epoch)
    if (decision === 'ended') {
      this.#refused += 1
      return { isGiven: false, epoch: this.#endedBelowEpoch }
    }
    if (decision === 'unknown') {
      throw new Fault('lease.unknown_server', 404, `no standby of ${request.server} under epoch ${request.epoch} here`)
    }
    this.#givenAt = bootMs()
    this.#given += 1
    return { isGiven: true, epoch: request.epoch }
  }

  /** Ends giving proof for every epoch below `epoch`, on disk first, for ever. */
  async endBelow(epoch: number): Promise<void> {
    if (epoch <= this.#endedBelowEpoch) return
    await writeJson(this.#path, { endedBelowEpoch: epoch } satisfies Kept)
    this.#endedBelowEpoch = epoch
  }

  /** How long the promotion must still wait for the last proof to run out. */
  waitMs(isOldPrimaryStopped: boolean): number {
    const facts = { givenAt: this.#givenAt, startedAt: this.#startedAt, isOldPrimaryStopped }
    return promotionWaitMs(facts, bootMs(), { leaseMs: LEASE_MS, marginMs: LEASE_WAIT_MARGIN_MS })
  }
}
