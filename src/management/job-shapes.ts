// Scheduled jobs as the original's management protocol writes them.
import type { JobView, UpdateJob } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { INTERVAL_UNITS, type Schedule } from '../kit/interval.ts'

/** What the original's clients send of a job. Everything may be missing. */
export type JobBody = { status?: string; intervalUnit?: string; intervalPeriod?: number | string; startTime?: string }

/** When the original's clients let one begin that has no time. */
const LONG_AGO = '1900-01-01T00:00:00Z'
const PERIOD_USUAL = 15

/** A job; one that is due by a cron line has no interval that the original could write. */
export function jobEntry(job: JobView, service: string) {
  const { schedule, lastRun, nextRun } = job
  const { name, status } = job
  return {
    ...{ id: `${service}.${name}`.toLowerCase(), appName: service, name, status },
    ...(schedule.kind === 'interval'
      ? { intervalUnit: schedule.unit, intervalPeriod: schedule.period, startTime: schedule.startAt }
      : {}),
    ...(lastRun === null ? {} : { lastRun: lastRun.startedAt }),
    ...(nextRun === null ? {} : { nextRun }),
  }
}

/** When a new one is due: without a unit on demand. `now`: ISO 8601. */
export function scheduleOfNew(body: JobBody, now: string): Schedule {
  if (isNone(body.intervalUnit) && body.intervalPeriod === undefined) return { kind: 'none' }
  if (isNone(body.intervalUnit)) throw badUnit(body.intervalUnit)
  return intervalOf(body, { period: PERIOD_USUAL, startAt: now })
}

/**
 * What a PUT changes. A whole interval replaces what is there. Without one it is on demand, but not where a start alone
 * comes along: so clients send back what has no interval.
 */
export function updateOfJob(body: JobBody, before: Schedule): UpdateJob {
  const isEnabled = enabledOf(body.status)
  const status = isEnabled === undefined ? {} : { isEnabled }
  const hasInterval = !isNone(body.intervalUnit) || body.intervalPeriod !== undefined
  if (!hasInterval) {
    if (body.startTime !== undefined || before.kind === 'none') return status
    return { ...status, schedule: { kind: 'none' } }
  }
  const known = before.kind === 'interval' ? before : undefined
  const unit = isNone(body.intervalUnit) ? known?.unit : body.intervalUnit
  const usual = { period: known?.period ?? PERIOD_USUAL, startAt: known?.startAt ?? LONG_AGO }
  const schedule = intervalOf({ ...body, ...(unit === undefined ? {} : { intervalUnit: unit }) }, usual)
  return JSON.stringify(schedule) === JSON.stringify(known) ? status : { ...status, schedule }
}

function enabledOf(status: string | undefined): boolean | undefined {
  if (status === undefined) return undefined
  if (status === 'enabled' || status === 'disabled') return status === 'enabled'
  throw new Fault('http.bad_request', 400, `'${status}' is no status of a job`, { hint: 'Use enabled or disabled.' })
}

function intervalOf(body: JobBody, usual: { period: number; startAt: string }): Schedule {
  const unit = INTERVAL_UNITS.find((one) => one === body.intervalUnit?.toLowerCase())
  if (unit === undefined) throw badUnit(body.intervalUnit)
  const { intervalPeriod: period = usual.period, startTime: startAt = usual.startAt } = body
  return { kind: 'interval', period: Number(period), unit, startAt }
}

function isNone(unit: string | undefined): boolean {
  return unit === undefined || unit.toLowerCase() === 'none'
}

function badUnit(unit: string | undefined): Fault {
  return new Fault('schedule.bad', 400, `'${unit ?? ''}' is no unit of an interval`, {
    hint: `Use one of ${INTERVAL_UNITS.join(', ')}, or none.`,
  })
}
