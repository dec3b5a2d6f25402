import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScheduleView } from '../../contract/api.ts'
import { scheduleText } from '../../contract/scheduled-job.ts'
import { draftOf, isDraftReady, scheduleOf } from './schedule-draft.ts'

const NOW = new Date('2026-11-30T05:00:00Z')

test('a draft of a schedule is that schedule again', () => {
  const schedules: [ScheduleView, string][] = [
    [{ kind: 'interval', period: 1, unit: 'hour', startAt: '2026-01-01T00:00:00.000Z' }, 'every hour'],
    [{ kind: 'interval', period: 15, unit: 'minute', startAt: '2026-01-01T00:00:00.000Z' }, 'every 15 minutes'],
    [{ kind: 'cron', line: '0 3 * * *' }, 'cron 0 3 * * *'],
    [{ kind: 'none' }, 'on demand'],
  ]
  for (const [schedule, text] of schedules) {
    assert.deepEqual(scheduleOf(draftOf(schedule), NOW), schedule)
    assert.equal(scheduleText(schedule), text)
  }
})

test('a new one begins now, every quarter of an hour', () => {
  const expected = { kind: 'interval', period: 15, unit: 'minute', startAt: NOW.toISOString() }
  assert.deepEqual(scheduleOf(draftOf(null), NOW), expected)
})

test('what says too little is not ready', () => {
  const draft = draftOf(null)
  for (const period of ['', '0', '1.5', 'x', '100000']) assert.equal(isDraftReady({ ...draft, period }), false, period)
  assert.equal(isDraftReady({ ...draft, kind: 'cron', line: ' ' }), false)
  assert.equal(isDraftReady({ ...draft, kind: 'none', period: '' }), true)
  assert.equal(isDraftReady(draft), true)
})
