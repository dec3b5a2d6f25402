// Rows to cells and back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchSize, cellValue, csvCells, csvColumns, headerProblem, nextPageFilter, rowOfCells } from './csv-rows.ts'

const COLUMNS = [
  { name: 'id', type: 'text' },
  { name: 'text', type: 'text' },
  { name: 'done', type: 'boolean' },
  { name: 'price', type: 'double precision' },
  { name: 'due', type: 'timestamp(3) with time zone' },
  { name: '__version', type: 'text' },
]

test('a row comes back as it was, without what the system keeps and what is null', () => {
  const row = { id: 'a', text: 'x, "y"\nz', done: false, price: -1.5e3, due: '2026-03-14T15:09:26.535Z' }
  const columns = csvColumns(COLUMNS)
  assert.deepEqual(columns, ['id', 'text', 'done', 'price', 'due'])
  const cells = csvCells(columns, { ...row, __version: 'AAA=' })
  const named = Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? '']))
  assert.deepEqual(rowOfCells(COLUMNS, { ...named, __version: 'AAA=' }), { row })
  assert.deepEqual(csvCells(['id', 'text'], { id: 'b', text: null }), ['b', ''])
  assert.deepEqual(rowOfCells(COLUMNS, { id: 'b', text: '', New: '7' }), { row: { id: 'b', New: '7' } })
})

test('a table that gives its rows their ids takes none from a file, and is read on by numbers', () => {
  const columns = [
    { name: 'id', type: 'bigint' },
    { name: 'text', type: 'text' },
  ]
  assert.deepEqual(rowOfCells(columns, { id: '', text: 'x' }), { row: { text: 'x' } })
  assert.match(JSON.stringify(rowOfCells(columns, { id: '7', text: 'x' })), /the table gives its rows their ids/)
  assert.equal(nextPageFilter('n gt 1', 7), '(n gt 1) and id gt 7')
  assert.equal(nextPageFilter(null, "it's"), "id gt 'it''s'")
  assert.equal(nextPageFilter(null, null), null)
})

test('a text is a value of its column, or none', () => {
  const cases: [string, string, unknown][] = [
    ['number', ' 12 ', 12],
    ['number', 'twelve', undefined],
    ['number', ' ', undefined],
    ['number', 'Infinity', undefined],
    ['boolean', 'TRUE', true],
    ['boolean', '0', false],
    ['boolean', 'yes', undefined],
    ['date', '2026-03-14T15:09:26Z', '2026-03-14T15:09:26.000Z'],
    ['date', '2026-13-14T15:09:26Z', undefined],
    ['date', '14.3.2026', undefined],
    ['string', 'twelve', 'twelve'],
  ]
  for (const [type, text, wanted] of cases) assert.equal(cellValue(type, text), wanted, `${type} ${text}`)
  assert.deepEqual(rowOfCells(COLUMNS, { Price: 'dear' }), { problem: "'dear' in the column 'Price' is no number" })
})

test('a first line names each column once', () => {
  assert.equal(headerProblem(['id', 'text']), null)
  assert.match(headerProblem([]) ?? '', /must name the columns/)
  assert.match(headerProblem(['id', '']) ?? '', /has no name/)
  assert.match(headerProblem(['id', 'text', 'id']) ?? '', /'id' is named twice/)
})

test('rows go in calls of so many, or of so much', () => {
  const of = (count: number, length: number) =>
    Array.from({ length: count }, () => ({ row: { text: 'x'.repeat(length) } }))
  assert.deepEqual(
    [batchSize(of(3, 1), 0), batchSize(of(3, 1), 2), batchSize(of(2_000, 1), 0), batchSize(of(10, 150_000), 0)],
    [3, 1, 500, 2],
  )
  assert.equal(batchSize(of(2, 1_000_000), 0), 1)
})

test('the next page of rows begins behind the last id, whatever is in it', () => {
  assert.equal(nextPageFilter(null, null), null)
  assert.equal(nextPageFilter('a or b', null), 'a or b')
  assert.equal(nextPageFilter(null, "O'x"), "id gt 'O''x'")
  assert.equal(nextPageFilter('a or b', '7'), "(a or b) and id gt '7'")
})
