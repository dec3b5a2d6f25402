// What a script left to the runtime, and what comes of it with each outcome of its operation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerOfLeft } from './left-answer.ts'
import type { AskOutcome, LeftBody, ScriptAnswer, TableAsk, WireItem } from './messages.ts'

const ROW: AskOutcome = { kind: 'row', row: { id: 'a', __version: 'AAAB' } }
const DELETE: TableAsk = { op: 'del', table: 'T', id: 'a', version: null }
const insertOf = (item: unknown): TableAsk => {
  return { op: 'insert', table: 'T', item: item as WireItem, systemProperties: [] }
}
const by = (body: string | null): ScriptAnswer => ({ kind: 'default', body })

for (const [is, outcome, body, answer] of [
  ['an item gets what the operation adds', ROW, '{"n":1}', by('{"n":1,"id":"a","__version":"AAAB"}')],
  ['and what it had of that keeps its place', ROW, '{"id":null,"n":1}', by('{"id":"a","n":1,"__version":"AAAB"}')],
  [
    'a name of JavaScript is a name',
    ROW,
    '{"__proto__":{"x":1}}',
    by('{"__proto__":{"x":1},"id":"a","__version":"AAAB"}'),
  ],
  ['rows are the runtime’s', { kind: 'rows', rows: '', count: null }, null, by(null)],
  ['so is a delete', { kind: 'done' }, null, by(null)],
  ['a failure is answered as one', { kind: 'failed', status: 409, message: 'no' }, '{}', { kind: 'execute_failed' }],
  ['and a conflict', { kind: 'conflict', row: {}, message: 'no' }, '{}', { kind: 'execute_failed' }],
] as [string, AskOutcome, LeftBody, ScriptAnswer][]) {
  test(is, () => assert.deepEqual(answerOfLeft(outcome, body, DELETE), answer))
}

for (const body of [
  JSON.stringify({ a: 'x'.repeat(1_000_000) }),
  7 as unknown as string,
  '',
  '[',
  '[]',
  'null',
  '1',
  `${'['.repeat(100_000)}`,
]) {
  test(`what is no item is a failure: ${String(body).slice(0, 10)}`, () => {
    assert.equal(answerOfLeft(ROW, body, DELETE).kind, 'failed')
  })
}

test('the very item that is stored gets what the operation adds', () => {
  const item = JSON.parse('{"id":null,"n":1,"__proto__":2}') as unknown
  const answer = by('{"id":"a","n":1,"__proto__":2,"__version":"AAAB"}')
  assert.deepEqual(answerOfLeft(ROW, true, insertOf(item)), answer)
  assert.deepEqual(answerOfLeft({ kind: 'conflict', row: {}, message: 'no' }, true, insertOf(item)), {
    kind: 'execute_failed',
  })
})

for (const what of [DELETE, insertOf(7), insertOf(null), insertOf([]), insertOf(undefined)]) {
  test(`an operation without one leaves none: ${JSON.stringify(what)}`, () => {
    assert.equal(answerOfLeft(ROW, true, what).kind, 'failed')
  })
}
