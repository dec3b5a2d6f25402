import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureLoss } from './loss.ts'

test('nothing reported is missing when the standby had more than the last report', () => {
  const loss = measureLoss({ forkLsn: '0/3000100', lastReport: { lsn: '0/3000000', lagMs: 0 } })
  assert.deepEqual([loss.bytes, loss.msMax], [0, 1_000])
  assert.match(loss.sentence, /256 bytes more/)
})

test('bytes that were reported and did not arrive are counted', () => {
  const loss = measureLoss({ forkLsn: '0/3000000', lastReport: { lsn: '0/3000100', lagMs: 40 } })
  assert.deepEqual([loss.bytes, loss.msMax], [256, 1_040])
})

test('says that it does not know rather than guess', () => {
  assert.equal(measureLoss({ forkLsn: null, lastReport: null }).bytes, null)
})
