import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROTOCOL_WAITERS_MAX, PROTOCOL_WAITERS_PER_CALLER } from '../kit/limits.ts'
import { lookAgainMs, Waiters } from './waiters.ts'

const TOO_MANY = { code: 'http.too_many_requests', status: 429 }
const neverBegun = async () => assert.fail('it was begun')

test('so many may wait for one caller, and for all; places are free again, however it ended', async () => {
  const waiters = new Waiters()
  const { promise, reject } = Promise.withResolvers<void>()
  const held = Array.from({ length: PROTOCOL_WAITERS_MAX }, async (_, index) => {
    await waiters.hold(`caller ${Math.floor(index / PROTOCOL_WAITERS_PER_CALLER)}`, async () => await promise)
  })
  await assert.rejects(waiters.hold('caller 0', neverBegun), TOO_MANY)
  await assert.rejects(waiters.hold('one more', neverBegun), TOO_MANY)
  reject(new Error('it failed'))
  assert.ok((await Promise.allSettled(held)).every(({ status }) => status === 'rejected'))
  assert.equal(await waiters.hold('caller 0', async () => 'done'), 'done')
  const one = Promise.withResolvers<void>()
  const all = Array.from({ length: PROTOCOL_WAITERS_PER_CALLER }, async () => {
    await waiters.hold('ada', async () => await one.promise)
  })
  await assert.rejects(waiters.hold('ada', neverBegun), TOO_MANY)
  assert.equal(await waiters.hold('bob', async () => 'done'), 'done')
  one.resolve()
  await Promise.all(all)
})

test('one that waits looks often at first, and then once a second', () => {
  assert.deepEqual([0, 4_999, 5_000, 600_000].map(lookAgainMs), [100, 100, 1_000, 1_000])
})
