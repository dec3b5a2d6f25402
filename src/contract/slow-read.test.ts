// What several processes tell of slow reads, as one list, and in words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexCommand, mergeSlowReads, type SlowRead, slowReadText } from './slow-read.ts'

const READ: SlowRead = {
  ...{ table: 'Item', column: 'text', use: 'equality', count: 2, slowestMs: 80.4, readRows: 9_000, foundRows: 3 },
  ...{ firstAt: '2026-11-30T08:00:00.000Z', lastAt: '2026-11-30T08:05:00.000Z' },
}

test('one column of one table is told once, with the slowest read and all of them counted', () => {
  const later = { ...READ, count: 3, slowestMs: 200, foundRows: 4, lastAt: '2026-11-30T09:00:00.000Z' }
  const other = { ...READ, use: 'order' as const }
  assert.deepEqual(mergeSlowReads([READ, other, later]), [{ ...later, count: 5, firstAt: READ.firstAt }, other])
  assert.deepEqual(mergeSlowReads([]), [])
})

test('in words it says what was slow, and the command that helps', () => {
  const text = '2 slow read(s) with a filter on text (equality): up to 80 ms, looked at about 9000 rows to find 3'
  assert.equal(slowReadText(READ), text)
  assert.match(slowReadText({ ...READ, use: 'order' }), /with an order by text:/)
  assert.equal(indexCommand('Shop', 'Item', 'text'), 'mainstay mobile table update Shop Item --addIndex text')
})
