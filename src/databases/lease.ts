// The lease of a primary: what its host must do, given how old its newest proof is.

/** What the primary's host knows. Times are kit/clock `bootMs`. */
export type LeaseFacts = {
  /** Whether a lease is required at all, and under which term. */
  isRequired: boolean
  /** When the newest proof was asked for; null: none yet under this term. */
  provenAt: number | null
  /** When asking began. */
  askingSince: number
  /** The standby's host said that this epoch is over. */
  isRefused: boolean
  /**
   * PostgreSQL has been open since before this term was armed, in this very process: until the first proof control does
   * not count the standby as promotable, so there is nothing to fear yet.
   */
  wasOpenBefore: boolean
}

export type LeaseLimits = { leaseMs: number; releaseAfterMs: number }

/**
 * `free`: no lease applies. `held` until a moment. `lost`: stop. `wait`: not proven yet, must not open.
 * `isReleaseDue`: the standby's host has been silent so long that control should be asked to release the standby.
 */
export type LeaseDecision =
  | { kind: 'free'; isReleaseDue: boolean }
  | { kind: 'held'; untilBootMs: number; isReleaseDue: boolean }
  | { kind: 'lost' }
  | { kind: 'wait'; isReleaseDue: boolean }

/** Decides what a primary may do now. */
export function decideLease(facts: LeaseFacts, nowBootMs: number, limits: LeaseLimits): LeaseDecision {
  if (!facts.isRequired) return { kind: 'free', isReleaseDue: false }
  if (facts.isRefused) return { kind: 'lost' }
  if (facts.provenAt === null) {
    const isReleaseDue = nowBootMs - facts.askingSince >= limits.releaseAfterMs
    return facts.wasOpenBefore ? { kind: 'free', isReleaseDue } : { kind: 'wait', isReleaseDue }
  }
  const untilBootMs = facts.provenAt + limits.leaseMs
  const isReleaseDue = nowBootMs - facts.provenAt >= limits.releaseAfterMs
  // Once run out it only comes back with a new proof: `wait`, so that the server is opened again then.
  if (nowBootMs >= untilBootMs) return { kind: 'wait', isReleaseDue }
  return { kind: 'held', untilBootMs, isReleaseDue }
}

/**
 * Whether PostgreSQL may be open now. One that is shut is opened only with a good part of the lease left: what the
 * guard has just stopped, a moment before the lease ends, must not be opened again in that moment.
 */
export function isOpenAllowed(
  decision: LeaseDecision,
  nowBootMs: number,
  server: { isOpen: boolean; openLeaseMsMin: number },
): boolean {
  if (decision.kind === 'free') return true
  if (decision.kind !== 'held') return false
  return server.isOpen || decision.untilBootMs - nowBootMs >= server.openLeaseMsMin
}

/** How long a standby's host must still wait before it promotes: until the newest proof it gave has surely run out. */
export function promotionWaitMs(
  facts: { givenAt: number | null; startedAt: number; isOldPrimaryStopped: boolean },
  nowBootMs: number,
  limits: { leaseMs: number; marginMs: number },
): number {
  if (facts.isOldPrimaryStopped) return 0
  // A process that has just started does not know what the one before it gave: assume a proof at the last moment.
  const newest = facts.givenAt ?? facts.startedAt
  return Math.max(0, newest + limits.leaseMs + limits.marginMs - nowBootMs)
}

/** What a standby's host answers to the question for proof. `unknown`: no such standby here, which proves nothing. */
export function decideProof(
  facts: { endedBelowEpoch: number; standbyEpoch: number | null },
  epoch: number,
): 'given' | 'ended' | 'unknown' {
  if (epoch < facts.endedBelowEpoch) return 'ended'
  return facts.standbyEpoch === epoch ? 'given' : 'unknown'
}

/** Until when commits on a server of another host count here, by the answer to a question asked at `askedAt`. */
export function remoteUntilMs(askedAt: number, remainingMs: number | null, leaseMs: number): number {
  // A server that is free now can at the earliest lose its writability one whole lease from now.
  return askedAt + (remainingMs ?? leaseMs)
}
