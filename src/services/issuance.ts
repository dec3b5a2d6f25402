// When a certificate is asked for: at once, when the one in use has grown old, or after a failure, later each time.
import { lifeOf, renewalOf } from '../kit/certificate-life.ts'
import { ISSUE_AGAIN_MS_MAX, ISSUE_AGAIN_MS_MIN } from '../kit/limits.ts'

/** A domain whose certificate is issued by itself: what it shows now (PEM), and when the next try was set for. */
export type Issued = { chain: string | null; dueAt: Date | null }

/** True when it is time: for a first one, for one whose life is over by two thirds, or for another try. */
export function isIssueDue({ chain, dueAt }: Issued, nowMs: number): boolean {
  if (dueAt !== null) return dueAt.getTime() <= nowMs
  return chain === null || renewalOf(lifeOf(chain), nowMs).kind !== 'fresh'
}

/** How long after that many failures in a row: twice as long each time. Authorities count failures, too. */
export function issueAgainInMs(failures: number): number {
  return Math.min(ISSUE_AGAIN_MS_MAX, ISSUE_AGAIN_MS_MIN * 2 ** Math.max(0, Math.min(failures, 30) - 1))
}
