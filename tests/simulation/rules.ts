// The decisions under test: the product's own. A test may break one, to show that the simulation would notice.
import { decideProof, isOpenAllowed, promotionWaitMs, remoteUntilMs } from '../../src/databases/lease.ts'
import { decideMove, decidePromotion, decideRelease } from '../../src/databases/membership.ts'
import { nextStanding } from '../../src/databases/standing.ts'
import { isDue } from '../../src/guard/watched.ts'
import { judgeReach, judgeService } from '../../src/health/verdict.ts'
import { decideDuty } from '../../src/host/server-duty.ts'
import { planRecovery } from '../../src/recovery/plan.ts'
import { isPastReturn } from '../../src/recovery/recover-kind.ts'
import { findRoom, holdingsOf, requireNotBelowUse } from '../../src/regions/ledger.ts'

export const RULES = {
  decideDuty,
  decideMove,
  decidePromotion,
  decideProof,
  decideRelease,
  findRoom,
  holdingsOf,
  isDue,
  isOpenAllowed,
  isPastReturn,
  judgeReach,
  judgeService,
  nextStanding,
  planRecovery,
  promotionWaitMs,
  remoteUntilMs,
  requireNotBelowUse,
  /** Whether a release reads and writes in one transaction that locks the server's row. */
  isReleaseLocked: true,
  /** Whether a runtime looks at its lease again after the commit. */
  isCommitChecked: true,
  /** Whether the secondary is given up before the proof. */
  isSecondaryGivenUpEarly: false,
}

export type Rules = typeof RULES
