// What scripts' SQL becomes for PostgreSQL.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sqlStatements } from './sql-text.ts'

const NAMES = {
  known: new Map(
    ['TodoItem', 'Order', 'id', 'text', 'Count', '__createdAt', 'Select'].map((name) => [name.toLowerCase(), name]),
  ),
  schema: 'my-service',
  schemaNames: ['my-service', 'my_service', 'dbo'],
}

const CASES: [string, [string, number][]][] = [
  ['select * from todoitem', [['select * from "TodoItem"', 0]]],
  ['SELECT Text, COUNT(*) FROM TODOITEM', [['SELECT Text, COUNT(*) FROM "TodoItem"', 0]]],
  ['select [Text], [order].id from [Order]', [['select "text", "Order".id from "Order"', 0]]],
  ['select count, t.COUNT from x', [['select "Count", t."Count" from x', 0]]],
  ['select * from dbo.TodoItem', [['select * from "my-service"."TodoItem"', 0]]],
  ['select * from [my_service].[todoitem]', [['select * from "my-service"."TodoItem"', 0]]],
  ['update TodoItem set text = ? where id = ?', [['update "TodoItem" set text = $1 where id = $2', 2]]],
  [
    "select '?', \"?\", 'it''s ?', e'\\'?', $$?$$, $a$?;$a$ -- ?;\n, ? /* ?; */",
    [["select '?', \"?\", 'it''s ?', e'\\'?', $$?$$, $a$?;$a$ -- ?;\n, $1 /* ?; */", 1]],
  ],
  [
    'insert into x values (?); select ? ; ;',
    [
      ['insert into x values ($1)', 1],
      ['select $1', 1],
    ],
  ],
  ['select a[1], (array[1,2])[x], b [2]', [['select a[1], (array[1,2])[x], b [2]', 0]]],
  ['select top 5 * from TodoItem order by id', [['select  * from "TodoItem" order by id\nlimit 5', 0]]],
  ['select TOP (5) * from TodoItem', [['select  * from "TodoItem"\nlimit 5', 0]]],
  ['insert into TODOITEM (text) values (?)', [['insert into "TodoItem" (text) values ($1)', 1]]],
  ['select COUNT (*) from t', [['select COUNT (*) from t', 0]]],
  ['select top 2 * from x -- newest', [['select  * from x -- newest\nlimit 2', 0]]],
  ['select top from x', [['select top from x', 0]]],
  [
    'select getdate(), NEWID( ), len(text), isnull(a, b)',
    [['select clock_timestamp(), upper(gen_random_uuid()::text), length(text), coalesce(a, b)', 0]],
  ],
  ['select __createdAt from t', [['select "__createdAt" from t', 0]]],
  ["select N'é'", [["select N'é'", 0]]],
  ['', []],
  ['  -- nothing\n', []],
]

for (const [text, expected] of CASES) {
  test(`SQL: ${text.slice(0, 60)}`, () => {
    const found = sqlStatements(text, NAMES).map((one) => [one.text, one.parameters])
    assert.deepEqual(found, expected)
  })
}

/** No statement at all. */
const COMMENTS_ONLY = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/

test('any text is taken apart without a failure, and loses nothing outside of what is rewritten', () => {
  const plain = { known: new Map(), schema: 's', schemaNames: [] }
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      sqlStatements(text, NAMES)
      const safe = text.replace(/[?;[\]]/g, '').replace(/\w/g, 'x')
      assert.equal(
        sqlStatements(safe, plain)
          .map((one) => one.text)
          .join(''),
        COMMENTS_ONLY.test(safe) ? '' : safe.trim(),
      )
    }),
    { examples: [['--'], ['/* x */ -- x'], ['-- x\nx'], ['-']] },
  )
})
