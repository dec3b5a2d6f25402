import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationOf, kindText } from './operation-words.ts'

test('says what an operation does and to what', () => {
  assert.equal(kindText({ kind: 'recover', service: 'PrimaryService', server: null }), 'Recover PrimaryService')
  assert.equal(kindText({ kind: 'backup', service: null, server: 'sql-west-us' }), 'Back up sql-west-us')
})

test('one that runs takes until now', () => {
  const startedAt = '2026-11-27T18:00:00Z'
  assert.equal(durationOf({ startedAt, finishedAt: null }, Date.parse('2026-11-27T18:00:07Z')), 7_000)
  assert.equal(durationOf({ startedAt, finishedAt: '2026-11-27T18:00:02Z' }, Date.now()), 2_000)
})
