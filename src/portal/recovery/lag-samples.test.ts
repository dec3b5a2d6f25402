import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerView } from '../../contract/api.ts'
import { lagOf, SAMPLES_MAX, withSample } from './lag-samples.ts'

test('keeps one sample a second, and no more than ten minutes of them', () => {
  let samples = withSample([], { atMs: 0, lagMs: 0 })
  assert.equal(withSample(samples, { atMs: 300, lagMs: 9 }), samples)
  for (let second = 1; second < SAMPLES_MAX + 10; second += 1) {
    samples = withSample(samples, { atMs: second * 1_000, lagMs: second })
  }
  assert.equal(samples.length, SAMPLES_MAX)
  assert.equal(samples.at(-1)?.lagMs, SAMPLES_MAX + 9)
})

test('nothing behind is no lag; nothing connected is not known', () => {
  const server = (...members: object[]) => ({ members }) as unknown as ServerView
  assert.equal(lagOf(server({ role: 'standby', lagBytes: 0, lagMs: null })), 0)
  assert.equal(lagOf(server({ role: 'standby', lagBytes: 10, lagMs: 250 })), 250)
  assert.equal(lagOf(server({ role: 'standby', lagBytes: null, lagMs: null })), null)
  assert.equal(lagOf(null), null)
})
