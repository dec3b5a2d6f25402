import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit } from './rate.ts'

test('a burst passes, a flood does not, and waiting helps; others are not affected', () => {
  const rate = new RateLimit({ burst: 3, perSecond: 2 })
  for (let count = 0; count < 3; count += 1) rate.take('ada', 1_000)
  assert.throws(() => rate.take('ada', 1_000), { code: 'http.too_many_requests', status: 429 })
  rate.take('bob', 1_000)
  rate.take('ada', 1_500)
  assert.throws(() => rate.take('ada', 1_500), { code: 'http.too_many_requests' })
})
