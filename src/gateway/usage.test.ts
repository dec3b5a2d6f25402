// What a gateway counts of apps' requests, and what it tells of it when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Distinct } from '../kit/distinct.ts'
import { USAGE_MINUTES_MAX, USAGE_REPORT_MINUTES_MAX } from '../kit/limits.ts'
import { Usage } from './usage.ts'

const MINUTE_MS = 60_000
const one = { isError: false, ms: 4, bytesOut: 100, device: null }
const clocked = () => {
  const clock = { ms: 1_000 * MINUTE_MS }
  return { clock, usage: new Usage(() => clock.ms) }
}

test('a minute is told with all of it each time, and no more once it is over and taken', () => {
  const { clock, usage } = clocked()
  usage.note('todo', { ...one, device: 'phone' })
  const first = usage.report()
  assert.deepEqual(
    first?.minutes.map(({ service, minute, requests }) => [service, minute, requests]),
    [['todo', 1_000, 1]],
  )
  // The answer was lost: it is told again, with what came since.
  usage.note('todo', { ...one, isError: true, device: 'phone' })
  const second = usage.report()
  const [told] = second?.minutes ?? []
  assert.deepEqual([told?.requests, told?.errors, told?.bytesOut], [2, 1, 200])
  assert.equal(Distinct.decode(Buffer.from(told?.devices ?? '', 'base64')).count, 1)
  second?.taken()
  assert.equal(usage.report(), null)
  usage.note('todo', one)
  assert.equal(usage.report()?.minutes[0]?.requests, 3)
  usage.report()?.taken()
  clock.ms += MINUTE_MS
  usage.note('todo', one)
  assert.deepEqual(
    usage.report()?.minutes.map(({ minute, requests }) => [minute, requests]),
    [[1_001, 1]],
  )
})

test('what came while a report was on its way is told by the next', () => {
  const { usage } = clocked()
  usage.note('todo', one)
  const report = usage.report()
  usage.note('todo', one)
  report?.taken()
  assert.equal(usage.report()?.minutes[0]?.requests, 2)
})

test('while nobody takes it, the oldest goes, and what is told at once is bounded', () => {
  const { clock, usage } = clocked()
  for (let minute = 0; minute < USAGE_MINUTES_MAX + 10; minute += 1) {
    usage.note('todo', one)
    clock.ms += MINUTE_MS
  }
  const { minutes = [] } = usage.report() ?? {}
  assert.deepEqual([minutes.length, minutes[0]?.minute], [USAGE_REPORT_MINUTES_MAX, 1_010])
})
