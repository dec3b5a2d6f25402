import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellText, columnsOf, nextOrder, pageText } from './row-page.ts'

test('the columns of the system stand last', () => {
  const table = { columns: ['id', '__version', 'text'].map((name) => ({ name, type: 'text', indexed: false })) }
  assert.deepEqual(columnsOf(table, [{ id: '1', extra: true }]), ['id', 'text', 'extra', '__version'])
})

test('null is not nothing', () => {
  assert.deepEqual(
    [cellText(null), cellText(undefined), cellText({ a: 1 }), cellText('x')],
    ['null', '', '{"a":1}', 'x'],
  )
})

test('a column sorts up, down, and not at all', () => {
  assert.equal(nextOrder(null, 'text'), 'text')
  assert.equal(nextOrder('text', 'text'), 'text desc')
  assert.equal(nextOrder('text desc', 'text'), null)
  assert.equal(nextOrder('text desc', 'done'), 'done')
})

test('says which rows are shown', () => {
  assert.equal(pageText({ skip: 50, shown: 50, count: 120 }), '51–100 of 120')
  assert.equal(pageText({ skip: 0, shown: 3, count: null }), '1–3')
  assert.equal(pageText({ skip: 0, shown: 0, count: 0 }), 'No rows')
})
