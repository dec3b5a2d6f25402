// Tests of table-sql: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Expression } from '../query/expression.ts'
import { type ColumnRow, tableColumns } from './columns.ts'
import { addColumnSql, deleteSql, insertSql, itemSql, listSql, updateSql } from './table-sql.ts'

const NAME = { schema: 'todo', table: 'Odd"Name' }
const row = (name: string, type: string, isNotNull = false): ColumnRow => ({
  oid: '7',
  width: 6,
  name,
  type,
  isNotNull,
})
const columns = tableColumns(
  [
    row('id', 'text', true),
    row('__createdAt', 'timestamp with time zone', true),
    row('__version', 'bigint', true),
    row('a"; drop table x', 'text'),
    row('raw', 'bytea'),
  ],
  0,
)
assert.ok(columns)
const [id, createdAt, version, odd, raw] = columns.list
assert.ok(id && createdAt && version && odd && raw)

const member = (name: string): Expression => ({ kind: 'member', name, at: 0 })
const text = (value: string): Expression => ({ kind: 'string', text: value, at: 0 })

const PAGE = {
  shown: [{ column: id, as: 'id' }],
  orderBy: [],
  top: 1,
  skip: 2,
  wantsCount: false,
  filters: [],
  settledAt: null,
  includesDeleted: false,
}

test('an insert has quoted names, values as parameters, and gives the system columns back', () => {
  const statement = insertSql(NAME, columns, { id: 'x', assigned: [{ column: odd, value: "'; --" }], returned: null })
  assert.match(statement.text, /^insert into "todo"."Odd""Name" as t \("id", "a""; drop table x"\) values \(\$1, \$2\)/)
  assert.match(
    statement.text,
    / returning to_char\(.*"__createdAt".* as "__createdAt", encode\(int8send\(t\."__version"\), 'base64'\)/,
  )
  assert.deepEqual(statement.values, ['x', "'; --"])
  assert.equal(statement.isWrite, true)
})

test('an update and a deletion are bound to the id, and to the version where one is given', () => {
  const key = { id: 'x', version: '5' }
  const changed = updateSql(NAME, columns, {
    ...key,
    assigned: [{ column: odd, value: 'y' }],
    isUndelete: false,
    returned: null,
  })
  assert.match(changed.text, /set "a""; drop table x" = \$3 where t\."id" = \$1 and t\."__version" = \$2 returning/)
  assert.deepEqual(changed.values, ['x', '5', 'y'])
  const removed = deleteSql(NAME, columns, { id: 'x', version: null, returned: null })
  assert.match(removed.text, /^delete .*where t\."id" = \$1 and \(select relnatts .* = \$2::oid\) = \$3::int returning/)
  assert.deepEqual(removed.values, ['x', '7', '6'])
})

test('a list puts nulls first ascending and last descending, only where there can be nulls', () => {
  const order = (terms: { column: typeof id; isDescending: boolean }[]) => {
    const orderBy = terms.map(({ column, isDescending }) => ({ expression: member(column.name), isDescending }))
    return /order by (.*) limit/.exec(listSql(NAME, columns, { ...PAGE, orderBy }).text)?.[1]
  }
  assert.equal(order([]), 't."id"')
  assert.equal(order([{ column: raw, isDescending: false }]), 't."raw" nulls first, t."id"')
  assert.equal(order([{ column: raw, isDescending: true }]), 't."raw" desc nulls last, t."id" desc')
  assert.equal(order([{ column: createdAt, isDescending: true }]), 't."__createdAt" desc, t."id" desc')
})

test('filters of a list count for its total, too, with their values as parameters', () => {
  const filters: Expression[] = [
    { kind: 'comparison', operator: 'eq', left: member('raw'), right: { kind: 'null', at: 0 }, at: 0 },
    { kind: 'comparison', operator: 'eq', left: member('A"; DROP table x'), right: text("'x"), at: 0 },
  ]
  const statement = listSql(NAME, columns, { ...PAGE, filters, wantsCount: true })
  const where = ' t where (t."raw" is null) and (t."a""; drop table x" = $4::text)'
  assert.equal(statement.text.split(where).length, 3, statement.text)
  assert.deepEqual(statement.values, ['1', '2', '7', "'x"])
})

test('a list up to a moment leaves out what was stamped from then on', () => {
  const statement = listSql(NAME, columns, { ...PAGE, settledAt: '2026-01-01' })
  assert.match(statement.text, /where t\."__updatedAt" < \$4::timestamptz order by/)
  assert.equal(statement.values[3], '2026-01-01')
})

test('a row is shown under the names asked for, with its version beside it', () => {
  const statement = itemSql(NAME, columns, {
    id: 'x',
    filters: [],
    includesDeleted: false,
    shown: [{ column: raw, as: 'RAW' }],
  })
  assert.match(statement.text, /select replace\(encode\(t\."raw", 'base64'\), E'\\n', ''\) as "RAW"/)
  assert.match(statement.text, /encode\(int8send\(t\."__version"\), 'base64'\) as version/)
  assert.deepEqual(statement.values, ['x', '7'])
})

test('a column is added under a quoted name', () => {
  assert.equal(
    addColumnSql(NAME, { name: 'x"y', type: 'boolean' }),
    'alter table "todo"."Odd""Name" add column if not exists "x""y" boolean',
  )
})
