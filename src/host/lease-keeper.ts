// Keeps the lease of one primary: asks the standby's host for proof, control for release, and publishes until when
// commits may be acknowledged.
import type { ProofAnswer, ReleaseAnswer, ServerFacts } from '../contract/facts.ts'
import type { LeaseDecision } from '../databases/lease.ts'
import { LeaseState, type WantedLease } from '../databases/lease-state.ts'
import { bootMs } from '../kit/clock.ts'
import { LEASE_MS, PROOF_EVERY_MS, RELEASE_AFTER_MS } from '../kit/limits.ts'
import type { ControlLink } from '../machine/control-link.ts'
import type { Peers } from '../machine/peers.ts'

// Shorter than the pause after which release is asked for, so that one lost answer does not cost the standby its place.
const PROOF_MS_MAX = 700

export class LeaseKeeper {
  readonly #server: string
  readonly #peers: Peers
  readonly #control: ControlLink
  readonly #onChange: () => void
  readonly #state = new LeaseState({ leaseMs: LEASE_MS, releaseAfterMs: RELEASE_AFTER_MS })
  #timer: NodeJS.Timeout | null = null
  #isReleasing = false
  #asked = 0
  #received = 0

  constructor(server: string, peers: Peers, control: ControlLink, onChange: () => void) {
    this.#server = server
    this.#peers = peers
    this.#control = control
    this.#onChange = onChange
  }

  /** Takes what control wants. A new term starts without proof. */
  assign(wanted: WantedLease): void {
    if (!this.#state.assign(wanted, bootMs())) return
    this.#timer ??= setInterval(() => void this.#ask(), PROOF_EVERY_MS)
    void this.#ask()
  }

  /** Told by the server: whether PostgreSQL is open to apps now. */
  setOpen(isOpen: boolean): void {
    this.#state.setOpen(isOpen)
  }

  decide(): LeaseDecision {
    return this.#state.decide(bootMs())
  }

  /** Until when commits count, as runtimes and the guard take it: null without a lease, 0 when it is lost. */
  untilBootMs(): number | null {
    return this.#state.untilBootMs(bootMs())
  }

  facts(): ServerFacts['lease'] {
    return this.#state.facts(bootMs())
  }

  /** Questions for proof that went out, and proofs that came back. */
  get counts(): { asked: number; received: number } {
    return { asked: this.#asked, received: this.#received }
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  async #ask(): Promise<void> {
    const { lease } = this.#state.wanted
    const question = this.#state.question(bootMs())
    if (lease.kind !== 'required' || !question) return this.#onChange()
    this.#asked += 1
    try {
      const body = { server: this.#server, epoch: question.epoch, term: question.term }
      const call = { method: 'POST' as const, path: '/proof', body, timeoutMs: PROOF_MS_MAX }
      const answer = (await this.#peers.call(lease.prover, call)) as ProofAnswer
      if (answer.isGiven) this.#received += 1
      this.#state.noteAnswer(question, answer)
    } catch {
      // Silence, for whatever reason, is what the release below and in the end the guard are for.
      await this.#askRelease()
    }
    this.#onChange()
  }

  async #askRelease(): Promise<void> {
    const { epoch, lease } = this.#state.wanted
    if (this.#isReleasing || !this.#state.isReleaseDue(bootMs())) return
    this.#isReleasing = true
    try {
      const body = { server: this.#server, epoch, term: lease.term }
      const call = { method: 'POST' as const, path: '/machine/release', body, timeoutMs: PROOF_MS_MAX }
      const answer = (await this.#control.call(call)) as ReleaseAnswer
      if (answer.isReleased) this.#state.noteReleased(lease.term)
    } catch {
      // Neither the standby's host nor control answers: the lease runs out, and the guard stops PostgreSQL.
    } finally {
      this.#isReleasing = false
    }
  }
}
