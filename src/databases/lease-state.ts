// What a primary's host knows of its lease, from what it was told and answered. No clock and no network of its own.
import type { LeaseAssignment } from '../contract/assignment.ts'
import type { ProofAnswer, ProofRequest, ServerFacts } from '../contract/facts.ts'
import { decideLease, type LeaseDecision, type LeaseLimits } from './lease.ts'

export type WantedLease = { epoch: number; lease: LeaseAssignment }

/** A question for proof: what it is about, and when it went out, as a `bootMs`. */
export type ProofQuestion = Pick<ProofRequest, 'epoch' | 'term'> & { askedAt: number }

/** Times are `bootMs` of the primary's machine. */
export class LeaseState {
  readonly #limits: LeaseLimits
  #wanted: WantedLease = { epoch: 0, lease: { kind: 'free', term: 0 } }
  #provenAt: number | null = null
  #askingSince = 0
  #isRefused = false
  #wasOpenBefore = false
  #releasedTerm: number | null = null
  #isOpen = false

  constructor(limits: LeaseLimits) {
    this.#limits = limits
  }

  get wanted(): WantedLease {
    return this.#wanted
  }

  /** Takes what control wants; true for a new term, which starts without proof. */
  assign(wanted: WantedLease, now: number): boolean {
    const isNew = !this.#isAbout(wanted.epoch, wanted.lease.term)
    const wasFree = this.decide(now).kind === 'free'
    this.#wanted = wanted
    if (!isNew) return false
    this.#wasOpenBefore = this.#isOpen && wasFree
    this.#provenAt = null
    this.#isRefused = false
    this.#releasedTerm = null
    this.#askingSince = now
    return true
  }

  /** Told by the server: whether PostgreSQL is open to apps now. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
    if (!isOpen) this.#wasOpenBefore = false
  }

  decide(now: number): LeaseDecision {
    const facts = {
      isRequired: this.#isRequired,
      provenAt: this.#provenAt,
      askingSince: this.#askingSince,
      isRefused: this.#isRefused,
      wasOpenBefore: this.#wasOpenBefore,
    }
    return decideLease(facts, now, this.#limits)
  }

  /** Until when commits count, as runtimes and the guard take it: null without a lease, 0 when it is lost. */
  untilBootMs(now: number): number | null {
    const decision = this.decide(now)
    if (decision.kind === 'free') return null
    return decision.kind === 'held' ? decision.untilBootMs : 0
  }

  facts(now: number): ServerFacts['lease'] {
    const decision = this.decide(now)
    const ageMs = this.#provenAt === null ? null : now - this.#provenAt
    const kind = decision.kind === 'held' || decision.kind === 'free' ? decision.kind : 'lost'
    return { kind, term: this.#wanted.lease.term, ageMs }
  }

  /** What to ask the standby's host now; null when there is nothing to ask. */
  question(now: number): ProofQuestion | null {
    if (!this.#isRequired || this.#isRefused) return null
    // Taken before the question goes out: the answer was true at some moment after this.
    return { epoch: this.#wanted.epoch, term: this.#wanted.lease.term, askedAt: now }
  }

  /** Takes the answer to a question; one that is about an earlier term counts nothing. */
  noteAnswer(question: ProofQuestion, answer: ProofAnswer): void {
    if (!this.#isAbout(question.epoch, question.term)) return
    if (answer.isGiven) this.#provenAt = Math.max(this.#provenAt ?? 0, question.askedAt)
    else this.#isRefused = answer.epoch > question.epoch
  }

  /** True when the standby's host has been silent so long that control should be asked to release the standby. */
  isReleaseDue(now: number): boolean {
    const decision = this.decide(now)
    return decision.kind !== 'lost' && decision.isReleaseDue
  }

  /** Control has recorded the standby of this term as not promotable. */
  noteReleased(term: number): void {
    if (term === this.#wanted.lease.term) this.#releasedTerm = term
  }

  get #isRequired(): boolean {
    const { lease } = this.#wanted
    return lease.kind === 'required' && this.#releasedTerm !== lease.term
  }

  #isAbout(epoch: number, term: number): boolean {
    return epoch === this.#wanted.epoch && term === this.#wanted.lease.term
  }
}
