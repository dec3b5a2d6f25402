// Counting different things in bounded space.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Distinct } from './distinct.ts'

const of = (from: number, to: number) => {
  const distinct = new Distinct()
  for (let one = from; one < to; one += 1) distinct.add(`device-${one}`)
  return distinct
}

test('few are counted exactly, however often they come', () => {
  const distinct = of(0, 64)
  distinct.merge(of(0, 64))
  distinct.merge(of(10, 20))
  assert.equal(distinct.count, 64)
})

test('many are counted within a fifth, in 257 bytes', () => {
  for (const many of [65, 200, 1_000, 20_000]) {
    const distinct = of(0, many)
    assert.ok(Math.abs(distinct.count / many - 1) < 0.2, `${many}: ${distinct.count}`)
    assert.ok(distinct.encode().length <= 257)
  }
})

test('merged, in whatever order, they are what all of them together are', () => {
  const all = of(0, 300).encode()
  for (const [first, second] of [
    [of(0, 10), of(5, 300)],
    [of(5, 300), of(0, 10)],
    [of(0, 150), of(100, 300)],
    [of(0, 40), of(30, 300)],
  ] as const) {
    first.merge(second)
    assert.deepEqual(Buffer.from(first.encode()), Buffer.from(all))
  }
})

test('written and read it is the same, and what is none is refused', () => {
  for (const many of [0, 3, 64, 65, 500]) {
    const bytes = of(0, many).encode()
    const read = Distinct.decode(bytes)
    assert.deepEqual([read.count, Buffer.from(read.encode())], [of(0, many).count, Buffer.from(bytes)])
  }
  for (const bytes of [[], [2], [1, 0], [0, 1, 2], [0, ...new Array(400).fill(7)]]) {
    assert.throws(() => Distinct.decode(Uint8Array.from(bytes)), RangeError)
  }
  assert.ok(Distinct.decode(Uint8Array.of(1, ...new Array(256).fill(255))).count > 0, 'a wild rank is bounded')
})
