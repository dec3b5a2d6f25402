// Tests of query-sql: nothing of a query's text gets into the SQL, and what cannot be compared is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseFilter } from '../query/parse.ts'
import type { SqlValue } from './column-values.ts'
import { type ColumnRow, tableColumns } from './columns.ts'
import { asksForChanges, QuerySql } from './query-sql.ts'

const row = (name: string, type: string): ColumnRow => ({ oid: '7', width: 6, name, type, isNotNull: false })
const columns = tableColumns(
  [
    row('id', 'text'),
    row('__updatedAt', 'timestamp with time zone'),
    row('__version', 'bigint'),
    row('text', 'text'),
    row('n', 'double precision'),
    row('b', 'boolean'),
    row('raw', 'bytea'),
    row('local', 'timestamp without time zone'),
    row('u', 'uuid'),
  ],
  0,
)
assert.ok(columns)

function sqlOf(text: string): { text: string; values: SqlValue[] } {
  const values: SqlValue[] = []
  assert.ok(columns)
  return { text: new QuerySql(columns, values).condition(parseFilter(text)), values }
}

for (const [filter, text, values] of [
  ["TEXT eq 'x'", '(t."text" = $1::text)', ['x']],
  ["'x' lt text", '(t."text" > $1::text)', ['x']],
  ['n ge 9007199254740993', '(t."n" >= $1::bigint)', ['9007199254740993']],
  ['n lt -1.5', '(t."n" < $1::float8)', ['-1.5']],
  ["n eq '12'", '(t."n" = $1::bigint)', ['12']],
  ['text eq 5', '(t."text" = $1::text)', ['5']],
  ['text eq null', '(t."text" is null)', []],
  ['null ne text', '(t."text" is not null)', []],
  ['b', 't."b"', []],
  ['b eq true', 't."b"', []],
  ['b ne true', '(not t."b")', []],
  ['b eq 1', '(t."b" = $1::boolean)', [true]],
  ['b and not b or true', '((t."b" and (not t."b")) or true::boolean)', []],
  ["raw eq 'AQI='", '(t."raw" = $1::bytea)', ['\\x0102']],
  ["__version eq 'AAAAAAAAB9E='", '(t."__version" = $1::bigint)', ['2001']],
  ["__version eq 'AQI='", '(t."__version" is null)', []],
  [
    "__updatedAt gt datetime'2020-01-01T00:00:00Z'",
    `(t."__updatedAt" >= $1::timestamptz + interval '1 ms')`,
    ['2020-01-01T00:00:00.000Z'],
  ],
  [
    "startswith(text,'a%\\')",
    '(lower(t."text" collate "und-x-icu") collate "C" like lower($1::text collate "und-x-icu") collate "C")',
    ['a%\\\\%'],
  ],
] as const) {
  test(`${filter} is ${text}`, () => assert.deepEqual(sqlOf(filter), { text, values }))
}

for (const filter of [
  ...['text', '1', "'x'", 'n add 1', 'length(text)', 'not n', 'text and b', "__updatedAt eq 'soon'", 'n eq text'],
  ...[
    "raw eq 'no base64!'",
    "n eq 'abc'",
    'b eq 2 add text',
    '__updatedAt add 1 eq 2',
    'tolower(raw) eq null',
    'day(n) eq 1',
  ],
]) {
  test(`${filter} is refused`, () => assert.throws(() => sqlOf(filter), { code: 'app.bad_query', status: 400 }))
}

test('a reader of changes is told by what it asks of updatedAt', () => {
  const date = "datetime'2020-01-01T00:00:00Z'"
  const asks = (filter: string) => asksForChanges(parseFilter(filter))
  for (const filter of [`__updatedAt ge ${date}`, `(b eq true) and (${date} lt __UPDATEDAT)`])
    assert.ok(asks(filter), filter)
  for (const filter of [`__updatedAt lt ${date}`, `__updatedAt eq ${date}`, '__createdAt gt __updatedAt', 'b']) {
    assert.ok(!asks(filter), filter)
  }
})

test('no text of a query gets into the SQL', () => {
  const poison = fc.string({ unit: 'grapheme-ascii', minLength: 1 }).map((text) => `§${text}§`)
  const shapes = [
    "text eq 'X'",
    "startswith(text,'X')",
    "substringof('[a]X',text)",
    "replace(text,'X','X') eq concat('X',text)",
  ]
  fc.assert(
    fc.property(poison, fc.constantFrom(...shapes), (text, shape) => {
      const sql = sqlOf(shape.replaceAll('X', () => text.replaceAll("'", "''")))
      assert.ok(!sql.text.includes('§'), sql.text)
      assert.match(sql.text, /^[a-z0-9A-Z_ ."():|$*=<>,'\\%~-]*$/)
    }),
  )
})
