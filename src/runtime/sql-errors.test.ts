// Tests of sql-errors: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { faultOfSql, ruleOf } from './sql-errors.ts'

function sqlError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('message', 7, 'error')
  error.code = code
  return error
}

for (const code of ['25006', '57P01', '57P02', '57P03', '08006', '28000', '28P01']) {
  test(`${code} evicts the connection`, () => assert.equal(ruleOf(sqlError(code)).isEvicted, true))
}

for (const code of ['57P01', '57P02', '08006']) {
  test(`a write that ${code} ended is unknown, a read is only unavailable`, () => {
    assert.equal((faultOfSql(sqlError(code), true) as { code: string }).code, 'app.outcome_unknown')
    assert.equal((faultOfSql(sqlError(code), false) as { code: string }).code, 'app.unavailable')
  })
}

test('a connection that breaks without a word counts as lost; a bug of ours does not', () => {
  assert.equal(ruleOf(new Error('Connection terminated unexpectedly')).answer, 'lost')
  assert.equal(ruleOf(new TypeError('x is not a function')).answer, 'failed')
})

for (const [code, status] of [
  ['23505', 409],
  ['22P02', 400],
  ['23502', 400],
  ['54000', 400],
  ['53300', 503],
  ['55P03', 503],
  ['57014', 503],
  ['40P01', 503],
] as const) {
  test(`${code} is answered with ${status}`, () => {
    assert.equal((faultOfSql(sqlError(code), true) as { status: number }).status, status)
  })
}

for (const code of ['0A000', '42703', '42P01', '42804']) {
  test(`${code} asks for the columns again`, () => assert.equal(ruleOf(sqlError(code)).retry, 'replan'))
}
