import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type BodyFrame, BodyWalk } from './body-walk.ts'

type Walked = { taken: number; end: 'over' | 'open' | 'broken' }

/** Walks over bytes that come in pieces of these lengths, in turns. */
function walk(frame: BodyFrame, bytes: Buffer, lengths: number[]): Walked {
  const one = new BodyWalk(frame)
  let taken = 0
  for (let at = 0, turn = 0; at < bytes.length && !one.isOver; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length
    const part = one.take(bytes.subarray(at, at + length))
    if (part === null) return { taken: 0, end: 'broken' }
    at += length
    taken += part
  }
  return { taken, end: one.isOver ? 'over' : 'open' }
}

const chunked = (text: string, lengths = [text.length]) => walk({ kind: 'chunked' }, Buffer.from(text), lengths)

describe('a body', () => {
  test('of a length ends there, wherever its bytes are parted', () => {
    const bytes = Buffer.alloc(10)
    for (const lengths of [[1], [3], [10], [2, 5]]) {
      assert.deepEqual(walk({ kind: 'length', bytes: 7 }, bytes, lengths), { taken: 7, end: 'over' })
      assert.deepEqual(walk({ kind: 'length', bytes: 11 }, bytes, lengths), { taken: 10, end: 'open' })
    }
  })

  test('that is none is over before it begins', () => {
    for (const frame of [{ kind: 'none' }, { kind: 'length', bytes: 0 }] as const) {
      assert.equal(new BodyWalk(frame).isOver, true)
      assert.equal(new BodyWalk(frame).take(Buffer.from('x')), 0)
    }
  })

  test('in chunks ends with the empty one', () => {
    const whole = '5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n'
    for (const lengths of [[1], [2], [3, 7], [whole.length]]) {
      assert.deepEqual(chunked(whole, lengths), { taken: whole.length, end: 'over' })
      assert.deepEqual(chunked(`${whole}HTTP/1.1`, lengths), { taken: whole.length, end: 'over' })
      assert.equal(chunked(whole.slice(0, -1), lengths).end, 'open')
    }
    assert.deepEqual(chunked('000\r\n\r\n'), { taken: 7, end: 'over' })
  })

  const broken: [name: string, text: string][] = [
    ['a size that is none', 'x\r\n'],
    ['no size', '\r\nhello'],
    ['a size with a sign', '+5\r\nhello\r\n'],
    ['a size with a prefix', '0x5\r\nhello\r\n'],
    ['a blank after a size', '5 \r\nhello\r\n'],
    ['an extension', '5;a=b\r\nhello\r\n'],
    ['a size of too many digits', '000000005\r\nhello\r\n'],
    ['a line that ends early', '5\nhello\r\n'],
    ['a lone return', '5\rhello\r\n'],
    ['more than its size', '5\r\nhello!\r\n'],
    ['trailers', '0\r\nx-a: b\r\n\r\n'],
  ]
  for (const [name, text] of broken) {
    test(`in chunks with ${name} is broken, wherever its bytes are parted`, () => {
      for (const lengths of [[1], [2, 3], [text.length]]) assert.equal(chunked(text, lengths).end, 'broken')
    })
  }

  test('in any chunks ends where they do, however its bytes are parted', () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 })
    const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 })
    const tail = fc.uint8Array({ maxLength: 5 })
    const check = (parts: Uint8Array[], cuts: number[], rest: Uint8Array) => {
      const encoded = parts.map((part) => Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, CRLF]))
      const body = Buffer.concat([...encoded, Buffer.from('0\r\n\r\n')])
      const bytes = Buffer.concat([body, rest])
      assert.deepEqual(walk({ kind: 'chunked' }, bytes, cuts), { taken: body.length, end: 'over' })
    }
    fc.assert(fc.property(chunks, lengths, tail, check), { numRuns: 1_000 })
  })

  test('of any bytes ends alike, however they are parted', () => {
    const piece = fc.constantFrom('5', 'a', '0', '\r\n', '\r', '\n', 'hello', ';', ' ', '0\r\n\r\n', '5\r\nhello\r\n')
    const lengths = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
    const check = (pieces: string[], cuts: number[]) => {
      const text = pieces.join('')
      assert.deepEqual(chunked(text, cuts), chunked(text))
    }
    fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), lengths, check), { numRuns: 3_000 })
  })
})

const CRLF = Buffer.from('\r\n')
