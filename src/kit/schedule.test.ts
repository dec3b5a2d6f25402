// When jobs are due.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INTERVAL_UNITS, type Schedule } from './interval.ts'
import { checkSchedule, latestDue, nextDue } from './schedule.ts'

const START = '2026-01-31T03:00:00.000Z'

function every(period: number, unit: (typeof INTERVAL_UNITS)[number], startAt = START): Schedule {
  return { kind: 'interval', period, unit, startAt }
}
const cron = (line: string): Schedule => ({ kind: 'cron', line })

const NEXT: [Schedule, string, string | null][] = [
  [every(15, 'minute'), '2026-01-31T03:00:00Z', '2026-01-31T03:15:00Z'],
  [every(15, 'minute'), '2026-01-31T03:14:59.999Z', '2026-01-31T03:15:00Z'],
  [every(15, 'minute'), '2020-01-01T00:00:00Z', START],
  [every(1, 'day'), '2026-03-01T12:00:00Z', '2026-03-02T03:00:00Z'],
  [every(1, 'month'), '2026-02-01T00:00:00Z', '2026-02-28T03:00:00Z'],
  [every(1, 'month'), '2026-02-28T03:00:00Z', '2026-03-31T03:00:00Z'],
  [every(2, 'month'), '2026-02-28T03:00:00Z', '2026-03-31T03:00:00Z'],
  [every(1, 'year', '2024-02-29T00:00:00Z'), '2024-03-01T00:00:00Z', '2025-02-28T00:00:00Z'],
  [cron('*/15 * * * *'), '2026-01-31T03:01:00Z', '2026-01-31T03:15:00Z'],
  [cron('0 3 * * 1'), '2026-01-31T03:01:00Z', '2026-02-02T03:00:00Z'],
  [cron('*/10 * * * * *'), '2026-01-31T03:01:01Z', '2026-01-31T03:01:10Z'],
  [{ kind: 'none' }, START, null],
]

for (const [schedule, after, expected] of NEXT) {
  test(`after ${after} ${JSON.stringify(schedule)} is due at ${expected}`, () => {
    const next = nextDue(schedule, Date.parse(after))
    assert.equal(next, expected === null ? null : Date.parse(expected))
  })
}

test('what was due last lies after the moment that was asked from, or there was nothing', () => {
  const ask = (schedule: Schedule, after: string, now: string) => {
    const found = latestDue(schedule, { afterMs: Date.parse(after), nowMs: Date.parse(now) })
    return found === null ? null : new Date(found).toISOString()
  }
  assert.equal(ask(every(1, 'hour'), START, '2026-01-31T03:59:59Z'), null)
  assert.equal(ask(every(1, 'hour'), START, '2026-01-31T09:00:00Z'), '2026-01-31T09:00:00.000Z')
  assert.equal(ask(cron('0 * * * *'), START, '2026-01-31T09:59:00Z'), '2026-01-31T09:00:00.000Z')
  assert.equal(ask(cron('0 * * * *'), START, '2026-01-31T09:00:00Z'), '2026-01-31T09:00:00.000Z')
  assert.equal(ask(cron('0 * * * *'), '2026-01-31T09:00:00Z', '2026-01-31T09:30:00Z'), null)
  assert.equal(ask(every(1, 'hour', '2030-01-01T00:00:00Z'), START, '2026-01-31T09:00:00Z'), null)
})

test('the next one is the first that is not due yet, whatever the schedule', () => {
  const schedules = fc.oneof(
    fc
      .record({ period: fc.integer({ min: 1, max: 50 }), unit: fc.constantFrom(...INTERVAL_UNITS) })
      .map(({ period, unit }) => every(period, unit)),
    fc.constantFrom('* * * * *', '*/7 3 * * *', '0 0 29 2 *', '30 */5 * * * *', '0 12 1 * 5').map(cron),
  )
  const [from, to] = [Date.parse(START), Date.parse('2031-01-01T00:00:00Z')]
  fc.assert(
    fc.property(schedules, fc.integer({ min: from, max: to }), (schedule, at) => {
      const next = nextDue(schedule, at) as number
      assert.ok(next > at)
      assert.equal(latestDue(schedule, { afterMs: at, nowMs: next - 1 }), null)
      assert.equal(latestDue(schedule, { afterMs: at, nowMs: next }), next)
      const last = latestDue(schedule, { afterMs: 0, nowMs: at })
      assert.ok(last === null || last <= at)
    }),
  )
})

test('what is no schedule is refused', () => {
  const now = Date.parse(START)
  for (const schedule of [
    ...[every(0, 'day'), every(1.5, 'day'), every(10_001, 'day'), every(1, 'day', 'tomorrow')],
    ...['', 'now', '* * *', '61 * * * *', '0 0 31 2 *', '* * * * * * * *'].map(cron),
  ]) {
    assert.throws(() => checkSchedule(schedule, now), { code: 'schedule.bad' }, JSON.stringify(schedule))
  }
  assert.throws(() => checkSchedule(cron('x'), now), { message: "'x' is no cron line: it has 1 field(s)" })
  for (const [schedule] of NEXT) checkSchedule(schedule, now)
})
