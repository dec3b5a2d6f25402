// Messages put together from the parts in which they come.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameReader, frameOf } from './frames.ts'

const [SHORT, LONG] = [{ kind: 'hello' }, { text: 'x'.repeat(200) }]

test('messages come out whole, however they were cut', () => {
  const bytes = Buffer.concat([SHORT, LONG, SHORT].map((one) => frameOf(one, 1_000) ?? Buffer.alloc(0)))
  for (const size of [1, 3, 50, 1_000]) {
    const reader = new FrameReader(1_000)
    const found: unknown[] = []
    for (let at = 0; at < bytes.length; at += size) found.push(...reader.take(bytes.subarray(at, at + size)))
    assert.deepEqual(found, [SHORT, LONG, SHORT], String(size))
  }
})

test('one that is too long is refused by its head', () => {
  const reader = new FrameReader(100)
  assert.throws(() => reader.take((frameOf(LONG, 1_000) ?? Buffer.alloc(0)).subarray(0, 4)), RangeError)
})

test('a message may say how long those behind it may be, also where part of one came with it', () => {
  const bytes = Buffer.concat([SHORT, LONG].map((one) => frameOf(one, 1_000) ?? Buffer.alloc(0)))
  const reader = new FrameReader(100)
  const found: unknown[] = []
  const take = (message: unknown) => {
    found.push(message)
    reader.bytesMax = 1_000
  }
  reader.each(bytes.subarray(0, bytes.length - 50), take)
  assert.deepEqual(found, [SHORT])
  reader.each(bytes.subarray(bytes.length - 50), take)
  assert.deepEqual(found, [SHORT, LONG])
})
