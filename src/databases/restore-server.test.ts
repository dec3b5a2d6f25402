// What a restore tells of itself: how far, how fast, how long still; and what may be asked for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTarget, progressOf } from './restore-server.ts'

test('progress has a rate as soon as something was fetched, and a time left as long as something is missing', () => {
  const told = (doneBytes: number, elapsedMs?: number) =>
    progressOf({ doneBytes, totalBytes: 1_000, step: 'fetching', ...(elapsedMs === undefined ? {} : { elapsedMs }) })
  assert.deepEqual(told(250, 500), { doneBytes: 250, totalBytes: 1_000, bytesPerSecond: 500, secondsLeft: 2 })
  assert.deepEqual(told(0, 500), { doneBytes: 0, totalBytes: 1_000, bytesPerSecond: null, secondsLeft: null })
  assert.deepEqual(told(1_000, 500), { doneBytes: 1_000, totalBytes: 1_000, bytesPerSecond: 2_000, secondsLeft: null })
  assert.deepEqual(told(250)?.bytesPerSecond, null)
  assert.equal(progressOf({ doneBytes: 0, totalBytes: 0, step: 'fetching' }), null)
})

test('a target is the end of what there is, a backup, or a moment with a time of day', () => {
  assert.deepEqual(parseTarget('latest'), { kind: 'latest' })
  assert.deepEqual(parseTarget('20261125T140320Z-1a'), { kind: 'backup', id: '20261125T140320Z-1a' })
  assert.deepEqual(parseTarget('2026-11-25T14:03:20Z'), { kind: 'time', at: '2026-11-25T14:03:20.000Z' })
  for (const text of ['', 'yesterday', '2026-11-25']) assert.throws(() => parseTarget(text), /no moment and no backup/)
})
