// Comparing two copies: ranges, rows, and what is only on its way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differenceText, differingRanges, differingRows, lasting } from './compare-copies.ts'

test('ranges that are not the same are named by their table; a table that is missing differs wholly', () => {
  const left = { lsn: '0/1', tables: [{ name: 'A', rows: 2, ranges: ['x', 'y', 'z'] }] }
  const right = { lsn: '0/1', tables: [{ name: 'A', rows: 2, ranges: ['x', 'Y', 'z'] }] }
  assert.deepEqual(differingRanges(left, left), [])
  assert.deepEqual(differingRanges(left, right), [{ table: 'A', ranges: [1] }])
  assert.deepEqual(differingRanges(left, { lsn: '0/1', tables: [] }), [{ table: 'A', ranges: [0, 1, 2] }])
})

test('rows differ by content, by version, and by being there', () => {
  const found = differingRows(
    [
      ['a', '1', 'x'],
      ['b', '2', 'x'],
      ['c', '3', 'x'],
      ['d', '4', 'x'],
    ],
    [
      ['a', '1', 'x'],
      ['b', '2', 'other'],
      ['c', '2', 'x'],
      ['e', '5', 'x'],
    ],
  )
  assert.deepEqual(
    found.map((one) => differenceText('T', one)),
    [
      "table T: row 'b' is another one on the standby",
      "table T: row 'c' is another one on the standby",
      "table T: row 'd' is not on the standby",
      "table T: row 'e' is on the standby only",
    ],
  )
})

test('only what differs twice in the same way is different', () => {
  const on = (id: string, here: string | null, there: string | null) => ({ id, here, there })
  const first = [on('a', '1', null), on('b', '1', '0'), on('c', '2', '1')]
  const second = [on('a', '1', null), on('b', '2', '1'), on('d', '1', null)]
  assert.deepEqual(lasting(first, second), [on('a', '1', null)])
})
