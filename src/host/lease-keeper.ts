// Keeps the lease of one primary: asks the standby's host for proof, control for release, and publishes until when
// commits may be acknowledged.
import type { LeaseAssignment } from '../contract/assignment.ts'
import type { ProofAnswer, ReleaseAnswer, ServerFacts } from '../contract/facts.ts'
import { decideLease, type LeaseDecision } from '../databases/lease.ts'
import { bootMs } from '../kit/clock.ts'
import { LEASE_MS, PROOF_EVERY_MS, RELEASE_AFTER_MS } from '../kit/limits.ts'
import type { ControlLink } from '../machine/control-link.ts'
import type { Peers } from '../machine/peers.ts'

// Shorter than the pause after which release is asked for, so that one lost answer does not cost the standby its place.
const PROOF_MS_MAX = 700

type Wanted = { epoch: number; lease: LeaseAssignment }

export class LeaseKeeper {
  readonly #server: string
  readonly #peers: Peers
  readonly #control: ControlLink
  readonly #onChange: () => void
  #wanted: Wanted = { epoch: 0, lease: { kind: 'free', term: 0 } }
  #provenAt: number | null = null
  #askingSince = 0
  #isRefused = false
  #wasOpenBefore = false
  #releasedTerm: number | null = null
  #isOpen = false
  #timer: NodeJS.Timeout | null = null
  #isReleasing = false

  constructor(server: string, peers: Peers, control: ControlLink, onChange: () => void) {
    this.#server = server
    this.#peers = peers
    this.#control = control
    this.#onChange = onChange
  }

  /** Takes what control wants. A new term starts without proof. */
  assign(wanted: Wanted): void {
    const isNew = wanted.epoch !== this.#wanted.epoch || wanted.lease.term !== this.#wanted.lease.term
    const wasFree = this.decide().kind === 'free'
    this.#wanted = wanted
    if (!isNew) return
    this.#wasOpenBefore = this.#isOpen && wasFree
    this.#provenAt = null
    this.#isRefused = false
    this.#releasedTerm = null
    this.#askingSince = bootMs()
    this.#timer ??= setInterval(() => void this.#ask(), PROOF_EVERY_MS)
    void this.#ask()
  }

  /** Told by the server: whether PostgreSQL is open to apps now. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
    if (!isOpen) this.#wasOpenBefore = false
  }

  decide(): LeaseDecision {
    const { lease } = this.#wanted
    return decideLease(
      {
        isRequired: lease.kind === 'required' && this.#releasedTerm !== lease.term,
        provenAt: this.#provenAt,
        askingSince: this.#askingSince,
        isRefused: this.#isRefused,
        wasOpenBefore: this.#wasOpenBefore,
      },
      bootMs(),
      { leaseMs: LEASE_MS, releaseAfterMs: RELEASE_AFTER_MS },
    )
  }

  /** Until when commits count, as runtimes and the guard take it: null without a lease, 0 when it is lost. */
  untilBootMs(): number | null {
    const decision = this.decide()
    if (decision.kind === 'free') return null
    return decision.kind === 'held' ? decision.untilBootMs : 0
  }

  facts(): ServerFacts['lease'] {
    const { term } = this.#wanted.lease
    const decision = this.decide()
    const ageMs = this.#provenAt === null ? null : bootMs() - this.#provenAt
    return { kind: decision.kind === 'held' ? 'held' : decision.kind === 'free' ? 'free' : 'lost', term, ageMs }
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  async #ask(): Promise<void> {
    const { epoch, lease } = this.#wanted
    if (lease.kind !== 'required' || this.#releasedTerm === lease.term || this.#isRefused) return this.#onChange()
    // Taken before the question goes out: the answer was true at some moment after this.
    const askedAt = bootMs()
    try {
      const body = { server: this.#server, epoch, term: lease.term }
      const call = { method: 'POST' as const, path: '/proof', body, timeoutMs: PROOF_MS_MAX }
      const answer = (await this.#peers.call(lease.prover, call)) as ProofAnswer
      if (epoch !== this.#wanted.epoch || lease.term !== this.#wanted.lease.term) return
      if (answer.isGiven) this.#provenAt = Math.max(this.#provenAt ?? 0, askedAt)
      else this.#isRefused = answer.epoch > epoch
    } catch {
      // Silence, for whatever reason, is what the release below and in the end the guard are for.
      await this.#askRelease()
    }
    this.#onChange()
  }

  async #askRelease(): Promise<void> {
    const decision = this.decide()
    const { epoch, lease } = this.#wanted
    if (this.#isReleasing || decision.kind === 'lost' || !decision.isReleaseDue) return
    this.#isReleasing = true
    try {
      const body = { server: this.#server, epoch, term: lease.term }
      const call = { method: 'POST' as const, path: '/machine/release', body, timeoutMs: PROOF_MS_MAX }
      const answer = (await this.#control.call(call)) as ReleaseAnswer
      if (answer.isReleased && lease.term === this.#wanted.lease.term) this.#releasedTerm = lease.term
    } catch {
      // Neither the standby's host nor control answers: the lease runs out, and the guard stops PostgreSQL.
    } finally {
      this.#isReleasing = false
    }
  }
}
