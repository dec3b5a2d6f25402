import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordEnd } from './control-file.ts'

test('a record ends after its bytes, padded to eight, with the headers of the pages that it crosses', () => {
  const rows: [bigint, number, bigint][] = [
    [0x3000028n, 120, 0x30000a0n],
    [0x3000028n, 114, 0x30000a0n],
    // It begins 24 bytes before the end of a page: the rest follows the next page's header.
    [0x3001fe8n, 120, 0x3002000n + 24n + 96n],
    // The next page is the first of a segment.
    [0x3ffffe8n, 120, 0x4000000n + 40n + 96n],
    [0x3001fe8n, 24, 0x3002000n],
  ]
  for (const [start, bytes, end] of rows) assert.equal(recordEnd(start, bytes), end)
})
