// A schedule while somebody types it.
import type { ScheduleView } from '../../contract/api.ts'

export type ScheduleKind = ScheduleView['kind']
type Interval = Extract<ScheduleView, { kind: 'interval' }>
export type Draft = { kind: ScheduleKind; period: string; unit: Interval['unit']; line: string; startAt: string | null }

const USUAL: Draft = { kind: 'interval', period: '15', unit: 'minute', line: '0 3 * * *', startAt: null }

/** Of what is there; null: of a new one. */
export function draftOf(schedule: ScheduleView | null): Draft {
  if (schedule === null) return USUAL
  if (schedule.kind === 'cron') return { ...USUAL, kind: 'cron', line: schedule.line }
  if (schedule.kind === 'none') return { ...USUAL, kind: 'none' }
  const { period, unit, startAt } = schedule
  return { ...USUAL, period: String(period), unit, startAt }
}

/** True when it says enough to be asked of control. */
export function isDraftReady({ kind, period, line }: Draft): boolean {
  if (kind === 'interval') return /^[1-9]\d{0,4}$/.test(period.trim())
  return kind === 'none' || line.trim() !== ''
}

/** The schedule; intervals are counted from where they were, or from `now`. */
export function scheduleOf({ kind, period, unit, line, startAt }: Draft, now: Date): ScheduleView {
  if (kind === 'cron') return { kind, line: line.trim() }
  if (kind === 'none') return { kind }
  return { kind, period: Number(period), unit, startAt: startAt ?? now.toISOString() }
}
