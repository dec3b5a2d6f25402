// From a read and PostgreSQL's plan of it to the column that an index would help on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilter, parseOrderTerms } from '../query/parse.ts'
import { type ColumnRow, tableColumns } from './columns.ts'
import { adviseIndex, indexCandidates, type ReadPlan, readPlan } from './index-advice.ts'

const TYPES = { id: 'text', text: 'text', n: 'double precision', done: 'boolean', at: 'timestamp with time zone' }
const ROWS: ColumnRow[] = Object.entries(TYPES).map(([name, type]) => {
  return { oid: '1', width: 5, name, type, isNotNull: name === 'id' }
})

function candidates(filter: string | null, order: string | null = null): string {
  const columns = tableColumns(ROWS, 0)
  assert.ok(columns)
  const filters = filter === null ? [] : [parseFilter(filter)]
  const orderBy = order === null ? [] : parseOrderTerms(order)
  return indexCandidates(columns, { filters, orderBy })
    .map(({ column, use }) => `${column} ${use}`)
    .join(', ')
}

test('a column that is compared with a value, searched or ordered by may have an index, the best first', () => {
  const cases: [string | null, string | null, string][] = [
    ["text eq 'x'", null, 'text equality'],
    ["'x' eq TEXT", null, 'text equality'],
    ['text eq null', null, 'text equality'],
    ['n gt 1 and n lt 5 and done eq true', null, 'done equality, n range'],
    ["startswith(text, 'a') and n ge 2", 'at desc', 'text part of a text, n range, at order'],
    ["substringof('a', text)", null, 'text part of a text'],
    ["endswith(text, 'a')", 'n,text', 'text part of a text, n order'],
    ["text ne 'x'", null, ''],
    ["text eq 'x' or n eq 1", null, ''],
    ["not (text eq 'x')", null, ''],
    ["tolower(text) eq 'x'", 'length(text)', ''],
    ['n eq n', null, ''],
    ["startswith(text, tolower(text)) and substringof(text, 'abc')", null, ''],
    ['nope eq 1', 'nope', ''],
    [null, null, ''],
  ]
  for (const [filter, order, wanted] of cases) assert.equal(candidates(filter, order), wanted, `${filter} ${order}`)
})

test('an index is advised where all rows of a large table are read to find few, and it is not there', () => {
  const plan: ReadPlan = { isWhole: true, isSorted: true, foundRows: 10 }
  const [equality, range, order] = [
    { column: 'text', use: 'equality' as const },
    { column: 'n', use: 'range' as const },
    { column: 'at', use: 'order' as const },
  ]
  const facts = {
    candidates: [equality, range, order],
    plan,
    tableRows: 50_000,
    indexed: ['id'],
    distinct: {} as Record<string, number>,
  }
  const cases: [string, Partial<typeof facts>, unknown][] = [
    ['the best', {}, equality],
    ['the next best where that is there', { indexed: ['id', 'text'] }, range],
    ['the order where filters have theirs', { indexed: ['text', 'n'] }, order],
    ['none where all are there', { indexed: ['text', 'n', 'at'] }, null],
    ['none where the plan goes by an index', { plan: { ...plan, isWhole: false } }, null],
    ['none for a small table', { tableRows: 900 }, null],
    ['the order where most rows are wanted', { plan: { ...plan, foundRows: 40_000 } }, order],
    ['none where they are not sorted, either', { plan: { ...plan, foundRows: 40_000, isSorted: false } }, null],
    ['no column of two values', { distinct: { text: 2 } }, range],
    ['one of many values', { distinct: { text: 900 } }, equality],
    ['one whose values are hardly there twice', { distinct: { text: -0.9 } }, equality],
    ['none without candidates', { candidates: [] }, null],
  ]
  for (const [is, change, wanted] of cases) assert.deepEqual(adviseIndex({ ...facts, ...change }), wanted, is)
})

test('a plan is whole where the table is scanned without a condition of an index', () => {
  const explain = (node: object) => [{ Plan: { 'Node Type': 'Aggregate', Plans: [node] } }]
  const scan = (more: object) => ({ 'Relation Name': 'Item', 'Plan Rows': 7, ...more })
  const cases: [string, object, ReadPlan][] = [
    ['a scan', scan({ 'Node Type': 'Seq Scan', Filter: '…' }), { isWhole: true, isSorted: false, foundRows: 7 }],
    [
      'a sorted one, below others',
      { 'Node Type': 'Limit', Plans: [{ 'Node Type': 'Sort', Plans: [scan({ 'Node Type': 'Seq Scan' })] }] },
      { isWhole: true, isSorted: true, foundRows: 7 },
    ],
    [
      'an index walked from end to end',
      scan({ 'Node Type': 'Index Scan' }),
      { isWhole: true, isSorted: false, foundRows: 7 },
    ],
    [
      'an index',
      scan({ 'Node Type': 'Index Scan', 'Index Cond': '…' }),
      { isWhole: false, isSorted: false, foundRows: 0 },
    ],
    [
      'a bitmap of one',
      scan({ 'Node Type': 'Bitmap Heap Scan', 'Recheck Cond': '…' }),
      { isWhole: false, isSorted: false, foundRows: 0 },
    ],
    [
      'another table',
      { ...scan({ 'Node Type': 'Seq Scan' }), 'Relation Name': 'pg_class' },
      { isWhole: false, isSorted: false, foundRows: 0 },
    ],
  ]
  for (const [is, node, wanted] of cases) assert.deepEqual(readPlan(explain(node), 'Item'), wanted, is)
  for (const nothing of [null, 'x', [], [null]]) assert.equal(readPlan(nothing, 'Item').isWhole, false)
})
