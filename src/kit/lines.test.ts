// Lines of a stream, however it comes in pieces.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linesOf } from './lines.ts'

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('lines are what stands between line feeds, in pieces of any size', async () => {
  const line = fc
    .string({ unit: 'binary' })
    .filter((text) => !text.includes('\n') && text.isWellFormed() && text !== '')
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const found: string[] = []
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      for await (const text of linesOf(inPieces(bytes, size), 10_000)) found.push(text)
      // A mark at the beginning is no part of a text to a decoder.
      assert.deepEqual(
        found,
        lines.map((text) => text.replace(/^\uFEFF/, '')),
      )
    }),
  )
})

test('a line that does not end is refused before it fills the memory', async () => {
  const read = async () => {
    for await (const text of linesOf(inPieces(Buffer.alloc(100, 'x'), 10), 50)) assert.fail(text)
  }
  await assert.rejects(read, /more than 50 bytes/)
})
