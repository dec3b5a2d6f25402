import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AwakeClock } from './awake-clock.ts'
import { AWAKE_STEP_MS_MAX } from './limits.ts'

test('time awake counts in full, and a pause as one step', () => {
  let real = 1_000
  const clock = new AwakeClock(() => real)
  for (let tick = 0; tick < 30; tick += 1) {
    real += 100
    clock.now()
  }
  assert.equal(clock.now(), 3_000)
  real += 20_000
  assert.equal(clock.now(), 3_000 + AWAKE_STEP_MS_MAX)
  real += 100
  assert.equal(clock.now(), 3_100 + AWAKE_STEP_MS_MAX)
})
