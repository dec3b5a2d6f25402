// From a row to a form, and from the form to what is changed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesOf, draftColumns, draftOf, draftProblem } from './row-draft.ts'

const TABLE = {
  idType: 'string' as const,
  columns: [
    { name: 'id', type: 'string', indexed: true },
    { name: 'text', type: 'string', indexed: false },
    { name: 'done', type: 'boolean', indexed: false },
    { name: 'price', type: 'number', indexed: false },
    { name: '__version', type: 'string', indexed: false },
  ],
}

test('only what differs is changed, in the type of its column; what was emptied is null', () => {
  const columns = draftColumns(TABLE, false)
  const before = draftOf(columns, { id: 'a', text: 'Milk', done: null, price: 2, __version: 'AAA=' })
  assert.deepEqual(before, { text: 'Milk', done: '', price: '2' })
  assert.deepEqual(changesOf(columns, before, before), {})
  assert.deepEqual(changesOf(columns, { text: '', done: 'true', price: '2' }, before), { text: null, done: true })
})

test('a new row has its id, if it is given one, and what is filled in', () => {
  const columns = draftColumns(TABLE, true)
  assert.deepEqual(columns[0]?.name, 'id')
  assert.deepEqual(changesOf(columns, { id: '', text: 'Milk', done: '', price: '1.5' }, null), {
    text: 'Milk',
    price: 1.5,
  })
})

test('where the table gives the ids, a new row has none to fill in', () => {
  const columns = draftColumns({ ...TABLE, idType: 'integer' }, true)
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['text', 'done', 'price'],
  )
})

test('a text that is no value of its column is told', () => {
  const of = (type: string, text: string) => draftProblem({ name: 'x', type }, text)
  assert.deepEqual(
    [of('number', ''), of('number', '7'), of('string', 'seven'), of('number', 'seven'), of('boolean', 'maybe')],
    [null, null, null, 'A number', 'true or false'],
  )
  assert.match(of('date', 'tomorrow') ?? '', /^A date like/)
})
