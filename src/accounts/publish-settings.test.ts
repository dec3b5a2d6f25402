// Tests of client certificates for the original's tools: what whoever reads one and writes it again still has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialNumberOf } from './publish-settings.ts'

test('a serial number is positive, and has no zeros in front', () => {
  for (const first of [0x00, 0x12, 0x7f, 0x80, 0xff]) {
    const number = Buffer.from(serialNumberOf(new Uint8Array([first, 0, 0xff])), 'hex')
    assert.equal(number.length, 3)
    assert.ok((number[0] ?? 0) >= 0x40 && (number[0] ?? 0) < 0x80, number.toString('hex'))
    assert.deepEqual([...number.subarray(1)], [0, 0xff])
  }
})
