import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransactionMarks } from './transaction-marks.ts'

test('what is after a place is counted from the last mark before it, and never too low', () => {
  const marks = new TransactionMarks()
  assert.equal(marks.after('0/100'), null)
  marks.note('0/100', '10')
  marks.note('0/200', '15')
  marks.note('0/300', '18')
  const places = ['0/80', '0/100', '0/1FF', '0/200', '0/300', '1/0']
  assert.deepEqual(
    places.map((place) => marks.after(place)),
    [null, 8, 8, 3, 0, 0],
  )
})

test('a server that went back begins anew', () => {
  const marks = new TransactionMarks()
  marks.note('0/300', '18')
  marks.note('0/200', '15')
  assert.deepEqual([marks.after('0/100'), marks.after('0/300')], [null, 0])
})
