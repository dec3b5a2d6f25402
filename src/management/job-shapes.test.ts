import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobView } from '../contract/api.ts'
import type { Schedule } from '../kit/interval.ts'
import { jobEntry, scheduleOfNew, updateOfJob } from './job-shapes.ts'

const NOW = '2026-11-30T12:00:00.000Z'
const hourly: Schedule = { kind: 'interval', period: 2, unit: 'hour', startAt: NOW }
const cron: Schedule = { kind: 'cron', line: '0 3 * * *' }
const view: JobView = {
  name: 'cleanup',
  status: 'enabled',
  schedule: hourly,
  overlap: 'skip',
  missed: 'once',
  hasScript: true,
  nextRun: NOW,
  isKnown: true,
  lastRun: null,
  createdAt: NOW,
}

test('a job shows its interval; what is due otherwise has none, as on demand', () => {
  assert.deepEqual(jobEntry(view, 'Shop'), {
    ...{ id: 'shop.cleanup', appName: 'Shop', name: 'cleanup', status: 'enabled' },
    ...{ intervalUnit: 'hour', intervalPeriod: 2, startTime: NOW, nextRun: NOW },
  })
  assert.equal('intervalUnit' in jobEntry({ ...view, schedule: cron }, 'Shop'), false)
})

test('a new one is due as it says, from now on, or on demand', () => {
  const minutes = { kind: 'interval', period: 15, unit: 'minute', startAt: NOW }
  assert.deepEqual(scheduleOfNew({ intervalUnit: 'minute', intervalPeriod: 15, startTime: NOW }, 'later'), minutes)
  assert.deepEqual(scheduleOfNew({ intervalUnit: 'minute', intervalPeriod: '15' }, NOW), minutes)
  assert.deepEqual(scheduleOfNew({}, NOW), { kind: 'none' })
  assert.throws(() => scheduleOfNew({ intervalUnit: 'week', intervalPeriod: 1 }, NOW), { code: 'schedule.bad' })
  assert.throws(() => scheduleOfNew({ intervalPeriod: 1 }, NOW), { code: 'schedule.bad' })
})

test('an update changes what it names, and loses no cron line to a client that knows none', () => {
  const cases: [string, Parameters<typeof updateOfJob>, ReturnType<typeof updateOfJob>][] = [
    [
      'status alone, sent with all that was read',
      [{ status: 'disabled', intervalUnit: 'hour', intervalPeriod: 2, startTime: NOW }, hourly],
      { isEnabled: false },
    ],
    [
      'another period',
      [{ intervalUnit: 'hour', intervalPeriod: 3, startTime: NOW, status: 'enabled' }, hourly],
      { isEnabled: true, schedule: { ...hourly, period: 3 } },
    ],
    ['no unit: on demand', [{ status: 'disabled' }, hourly], { isEnabled: false, schedule: { kind: 'none' } }],
    ['a cron line stays', [{ status: 'enabled', startTime: '1900-01-01T00:00:00Z' }, cron], { isEnabled: true }],
    ['on demand stays', [{ status: 'enabled' }, { kind: 'none' }], { isEnabled: true }],
  ]
  for (const [what, given, wanted] of cases) assert.deepEqual(updateOfJob(...given), wanted, what)
  assert.throws(() => updateOfJob({ status: 'paused' }, hourly), { code: 'http.bad_request' })
})
