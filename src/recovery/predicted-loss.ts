// What a recovery may lose, as far as can be told beforehand from the last reports and the vault.
import type { RestoreOutline } from '../contract/backup.ts'
import type { DatabaseAction } from '../contract/recovery.ts'
import { Fault } from '../kit/fault.ts'
import type { PlanFacts, Wish } from './plan.ts'

// Between two reports nobody saw what was written.
const HEARTBEAT_MS = 1_000

/** Upper bounds; null where nobody has measured. */
export type PredictedLoss = { ms: number | null; bytes: number | null; sentence: string }

/** What the action may cost. `outline`: of a restore. */
export function predictLoss(
  { server, wish, nowMs }: Pick<PlanFacts, 'server' | 'wish' | 'nowMs'>,
  action: DatabaseAction,
  outline: RestoreOutline | null,
): PredictedLoss {
  if (action === 'keep') return { ms: 0, bytes: 0, sentence: 'none: the database is alive and is kept where it is' }
  if (outline !== null) return predictRestoreLoss(server, { outline, wish, nowMs })
  if (server.standby?.isSynchronous) {
    return { ms: 0, bytes: 0, sentence: 'none: every write that was acknowledged waited for the standby' }
  }
  return { ...predictedLoss(server.lastReport), sentence: promotionSentence(server.lastReport) }
}

function predictRestoreLoss(
  { lastReport, isAlive, name }: PlanFacts['server'],
  { outline, wish, nowMs }: { outline: RestoreOutline; wish: Wish; nowMs: number },
): PredictedLoss {
  const restoresTo = Date.parse(outline.restoresTo)
  const seenMs = isAlive ? nowMs : lastReport && nowMs - lastReport.ageMs
  if (seenMs === null) {
    const sentence = `unknown: all after ${outline.restoresTo}, and ${name} never reported to this control`
    return { ms: null, bytes: null, sentence }
  }
  // In a server that stands still the newest moment grows old, and nothing is missing.
  const isNewest = (wish.target ?? 'latest') === 'latest'
  const isAllSaved = isNewest && lastReport?.unsavedBytes === 0
  const ms = isAllSaved ? HEARTBEAT_MS : Math.max(0, seenMs - restoresTo) + HEARTBEAT_MS
  const saved = isAllSaved ? '; at the last report all was in the vault' : ''
  const sentence = `at most ${(ms / 1000).toFixed(1)} s of writes: all after ${outline.restoresTo}${saved}`
  return { ms, bytes: isNewest ? (lastReport?.unsavedBytes ?? null) : null, sentence }
}

function predictedLoss(report: PlanFacts['server']['lastReport']): { ms: number | null; bytes: number | null } {
  if (!report) return { ms: null, bytes: null }
  // Between two reports nobody saw how far behind the standby was.
  return { ms: report.lagMs === null ? null : report.lagMs + HEARTBEAT_MS, bytes: report.lagBytes }
}

function promotionSentence(report: PlanFacts['server']['lastReport']): string {
  if (!report) return 'unknown: the lost server never reported to this control'
  const at = `${(report.ageMs / 1000).toFixed(1)} s ago`
  if (report.lagBytes === null || report.lagMs === null) {
    return `unknown: at the last report, ${at}, no standby was connected`
  }
  const transactions = report.lagTransactions == null ? '' : `, ${report.lagTransactions} transaction(s)`
  const behind =
    report.lagBytes === 0 ? 'nothing behind' : `${report.lagBytes} bytes (${report.lagMs} ms${transactions}) behind`
  return `at most ${((report.lagMs + HEARTBEAT_MS) / 1000).toFixed(1)} s of writes; at the last report, ${at}, the standby was ${behind}`
}

/**
 * Faults with `recovery.loss_too_high` when more is predicted than is accepted, or than `lossMsMax` where nobody said.
 * What nobody can tell is too much only for who gave a limit.
 */
export function requireAcceptedLoss(
  loss: PredictedLoss,
  limits: { acceptedLossMs: number | null | undefined; lossMsMax: number; isNamed: boolean },
): void {
  const { acceptedLossMs, lossMsMax, isNamed } = limits
  if (acceptedLossMs === null || (acceptedLossMs === undefined && (isNamed || loss.ms === null))) return
  const limit = acceptedLossMs ?? lossMsMax
  if (loss.ms !== null && loss.ms <= limit) return
  const flag = loss.ms === null ? 'any' : `${Math.ceil(loss.ms / 1000)}s`
  const accepted = `${(limit / 1000).toFixed(0)} s that are accepted`
  const message = `this would lose more than the ${accepted}; predicted loss: ${loss.sentence}`
  throw new Fault('recovery.loss_too_high', 409, message, { hint: `If that is to be: add --accept-loss ${flag}` })
}
