import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TableView } from '../contract/api.ts'
import { columnEntries, columnToAdd, columnToDrop, tableEntry, tableScriptEntries } from './table-shapes.ts'

const table: TableView = {
  name: 'TodoItem',
  idType: 'string',
  permissions: { insert: 'user', read: 'public', update: 'admin', delete: 'application' },
  recordCount: 3,
  bytes: 65_536,
  columns: [
    { name: 'id', type: 'text', indexed: true },
    { name: '__createdAt', type: 'timestamp(3) with time zone', indexed: true },
    { name: '__version', type: 'bigint', indexed: false },
    { name: 'text', type: 'text', indexed: true },
    { name: 'price', type: 'double precision', indexed: false },
    { name: 'place', type: 'jsonb', indexed: false },
  ],
  hasSoftDelete: true,
  createdAt: '2026-01-01T00:00:00.000Z',
}
const lost: TableView = { ...table, recordCount: null, bytes: null, columns: null, hasSoftDelete: null }

test('a table has what the original told of one, and -1 for what its lost region alone knows', () => {
  assert.deepEqual(tableEntry(table, 'https://h/t'), {
    name: 'TodoItem',
    idType: 'string',
    hasDeleted: true,
    metrics: { indexCount: 3, recordCount: 3, sizeBytes: 65_536 },
    selflink: 'https://h/t',
  })
  const { hasDeleted, metrics } = tableEntry(lost, 'https://h/t')
  assert.deepEqual(
    { hasDeleted, metrics },
    {
      hasDeleted: false,
      metrics: { indexCount: -1, recordCount: -1, sizeBytes: -1 },
    },
  )
})

test('columns have the words of the original, of either dialect', () => {
  const typesOf = (isOlder: boolean) => columnEntries(table, { selflink: 's', isOlder }).map(({ type }) => type)
  assert.deepEqual(typesOf(false), ['string', 'date', 'bigint (MSSQL)', 'string', 'number', 'jsonb (PostgreSQL)'])
  assert.equal(typesOf(true)[2], 'bigint(MSSQL)')
  const [id, , , text] = columnEntries(table, { selflink: 's', isOlder: false })
  assert.deepEqual(text, { name: 'text', type: 'string', selflink: 's/columns/text', indexed: true, zumoIndex: true })
  assert.equal(id?.zumoIndex, false, 'the index of the ids is nobody’s to drop')
  assert.deepEqual(columnEntries(lost, { selflink: 's', isOlder: false }), [])
})

test('scripts are those of this table alone', () => {
  const scripts = [
    { name: 'table/TodoItem.insert', bytes: 7 },
    { name: 'table/TodoItems.read', bytes: 8 },
    { name: 'api/TodoItem', bytes: 9 },
  ]
  assert.deepEqual(tableScriptEntries(scripts, { table: 'TodoItem', selflink: 's' }), [
    { operation: 'insert', selflink: 's/scripts/insert', sizeBytes: 7 },
  ])
})

test('adding a column: a type of dynamic schema, or one of ours, which is there or is soft delete', () => {
  assert.deepEqual(columnToAdd('price', 'Number'), { kind: 'add_column', column: 'price', type: 'number' })
  assert.equal(columnToAdd('__createdAt', 'auto'), null)
  assert.deepEqual(columnToAdd('__deleted', 'auto'), { kind: 'soft_delete_on' })
  for (const [column, type] of [
    ['price', undefined],
    ['price', 'money'],
    ['__mine', 'auto'],
  ] as const) {
    assert.throws(() => columnToAdd(column, type), { code: 'table.bad_column' }, column)
  }
  assert.deepEqual(columnToDrop('__deleted'), { kind: 'soft_delete_off' })
  assert.deepEqual(columnToDrop('price'), { kind: 'drop_column', column: 'price' })
})
