// When something is due that comes again and again: after so many seconds or months, or as a cron line says. All in
// UTC.
import { Cron } from 'croner'
import { Fault, messageOf } from './fault.ts'
import { PERIOD_MAX, type Schedule } from './interval.ts'

const UNIT_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** Faults with `schedule.bad` for what is no schedule, or one that is never due. */
export function checkSchedule(schedule: Schedule, nowMs: number): void {
  if (schedule.kind === 'none') return
  if (schedule.kind === 'interval') {
    const { period, startAt } = schedule
    if (!Number.isInteger(period) || period < 1 || period > PERIOD_MAX) {
      throw bad(`an interval is a whole number from 1 to ${PERIOD_MAX}, not ${period}`)
    }
    if (Number.isNaN(Date.parse(startAt))) throw bad(`'${startAt}' is no moment`, 'Write it as 2026-12-01T03:00:00Z.')
    return
  }
  const fields = schedule.line.trim().split(/\s+/).length
  if (fields < 5 || fields > 6) throw bad(`'${schedule.line}' is no cron line: it has ${fields} field(s)`, CRON_HINT)
  let next: number | null
  try {
    next = nextDue(schedule, nowMs)
  } catch (error) {
    throw bad(`'${schedule.line}' is no cron line: ${messageOf(error).replace(/^CronPattern: /, '')}`, CRON_HINT)
  }
  if (next === null) throw bad(`'${schedule.line}' is never due`, CRON_HINT)
}

const CRON_HINT =
  'Write five fields, minute hour day month weekday, as in: "*/15 * * * *"; a sixth before them is seconds.'

/** The first moment after `afterMs` (milliseconds since 1970) at which it is due; null: never. */
export function nextDue(schedule: Schedule, afterMs: number): number | null {
  switch (schedule.kind) {
    case 'none':
      return null
    case 'cron':
      return cronOf(schedule.line).nextRun(new Date(afterMs))?.getTime() ?? null
    case 'interval': {
      const startMs = Date.parse(schedule.startAt)
      if (afterMs < startMs) return startMs
      return momentOf(schedule, startMs, stepAt(schedule, startMs, afterMs) + 1)
    }
  }
}

/** The last moment after `afterMs`, and not after `nowMs`, at which it was due; null: there was none. */
export function latestDue(schedule: Schedule, { afterMs, nowMs }: { afterMs: number; nowMs: number }): number | null {
  const found = lastBefore(schedule, nowMs)
  return found !== null && found > afterMs ? found : null
}

function lastBefore(schedule: Schedule, nowMs: number): number | null {
  switch (schedule.kind) {
    case 'none':
      return null
    case 'cron':
      // Those before the next whole second: this one may be one.
      return (
        cronOf(schedule.line)
          .previousRuns(1, new Date(Math.floor(nowMs / 1_000 + 1) * 1_000))[0]
          ?.getTime() ?? null
      )
    case 'interval': {
      const startMs = Date.parse(schedule.startAt)
      return nowMs < startMs ? null : momentOf(schedule, startMs, stepAt(schedule, startMs, nowMs))
    }
  }
}

type Interval = Extract<Schedule, { kind: 'interval' }>

// How many whole periods lie between the two.
function stepAt({ period, unit }: Interval, startMs: number, atMs: number): number {
  if (unit !== 'month' && unit !== 'year') return Math.floor((atMs - startMs) / (UNIT_MS[unit] * period))
  const [start, at] = [new Date(startMs), new Date(atMs)]
  const months = (at.getUTCFullYear() - start.getUTCFullYear()) * 12 + at.getUTCMonth() - start.getUTCMonth()
  let step = Math.floor(months / (unit === 'year' ? period * 12 : period))
  while (momentOf({ kind: 'interval', period, unit, startAt: '' }, startMs, step) > atMs) step -= 1
  return step
}

// A month that has no such day has it on its last.
function momentOf({ period, unit }: Interval, startMs: number, step: number): number {
  if (unit !== 'month' && unit !== 'year') return startMs + step * period * UNIT_MS[unit]
  const start = new Date(startMs)
  const moment = new Date(startMs)
  moment.setUTCDate(1)
  moment.setUTCMonth(start.getUTCMonth() + step * period * (unit === 'year' ? 12 : 1))
  const lastDay = new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + 1, 0)).getUTCDate()
  moment.setUTCDate(Math.min(start.getUTCDate(), lastDay))
  return moment.getTime()
}

// Reading a line costs more than asking it.
const crons = new Map<string, Cron>()
const CRONS_KEPT_MAX = 1_000

function cronOf(line: string): Cron {
  const known = crons.get(line)
  if (known) return known
  const made = new Cron(line, { timezone: 'UTC', paused: true, mode: '5-or-6-parts' })
  if (crons.size >= CRONS_KEPT_MAX) crons.clear()
  crons.set(line, made)
  return made
}

function bad(message: string, hint?: string): Fault {
  return new Fault('schedule.bad', 400, message, hint === undefined ? {} : { hint })
}
