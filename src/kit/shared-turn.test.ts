// Many ask at once, few runs answer, and each answer is younger than its question.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedTurn } from './shared-turn.ts'

/** Work whose end the test decides. */
function held() {
  const ends: ((fault?: Error) => void)[] = []
  const turn = new SharedTurn(async () => {
    const number = ends.length + 1
    await new Promise<void>((resolve, reject) => ends.push((fault) => (fault ? reject(fault) : resolve())))
    return number
  })
  return { turn, ends }
}

test('who asks while a run is under way shares the next one', async () => {
  const { turn, ends } = held()
  const first = turn.take()
  const others = [turn.take(), turn.take(), turn.take()]
  ends[0]?.()
  assert.equal(await first, 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ends.length, 2)
  const late = turn.take()
  ends[1]?.()
  assert.deepEqual(await Promise.all(others), [2, 2, 2])
  await new Promise((resolve) => setImmediate(resolve))
  ends[2]?.()
  assert.equal(await late, 3)
})

test('a run that fails fails those who share it, and nobody after them', async () => {
  const { turn, ends } = held()
  const first = turn.take()
  const second = turn.take()
  ends[0]?.(new Error('broken'))
  await assert.rejects(first, /broken/)
  await new Promise((resolve) => setImmediate(resolve))
  ends[1]?.()
  assert.equal(await second, 2)
})
