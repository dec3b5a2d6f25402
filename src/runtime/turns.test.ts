import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('of each key only so much goes on at once, in order, and a failure ends its turn', async () => {
  const turns = new Turns(2)
  let underWay = 0
  let most = 0
  const order: number[] = []
  const work = (at: number) => async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    order.push(at)
    if (at % 3 === 0) throw new Error('on purpose')
  }
  await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(async (at) => await turns.take('a', work(at))))
  assert.equal(most, 2)
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6])
  await turns.take('a', async () => {})
})
