// Moments as a browser's field has them (local, without a zone), and as control takes them (UTC).
import { formatMoment } from '../kit/amounts.ts'

/** `2026-11-27T18:00` here → an instant; null where nothing was chosen or it is no moment. */
export function instantOf(local: string): string | null {
  const ms = local === '' ? Number.NaN : Date.parse(local)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}

/** Milliseconds since 1970 → as the field has it, to the second. */
export function localOf(ms: number): string {
  return formatMoment(new Date(ms).toISOString()).replace(' ', 'T')
}

export type TimeLine = { fromMs: number; toMs: number; backups: number[] }

/** From the first to the last moment that can be restored, in whole seconds inside of it, and where backups ended. */
export function timeLineOf(view: {
  restorable: { from: string; to: string } | null
  backups: { endedAt: string; problem: string | null }[]
}): TimeLine | null {
  if (view.restorable === null) return null
  const fromMs = Math.ceil(Date.parse(view.restorable.from) / 1_000) * 1_000
  const toMs = Math.floor(Date.parse(view.restorable.to) / 1_000) * 1_000
  if (toMs <= fromMs) return null
  const ends = view.backups.filter(({ problem }) => problem === null).map(({ endedAt }) => Date.parse(endedAt))
  return { fromMs, toMs, backups: ends.filter((ms) => ms >= fromMs && ms <= toMs) }
}
