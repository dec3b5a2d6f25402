import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appliedText, changedText } from './stranded-words.ts'

const table = { service: 'A', schema: 'a', table: 'TodoItem', inserts: 3, updates: 0, deletes: 1, truncations: 0 }

test('says what was written to which table', () => {
  assert.equal(changedText(table), 'A/TodoItem: 3 inserts, 1 delete')
  assert.equal(changedText({ ...table, service: null, inserts: 0 }), 'a/TodoItem: 1 delete')
})

test('says what was done with it', () => {
  assert.equal(appliedText('kept', null), 'Nothing was done with them yet.')
  const applied = { applied: 2, already: 0, conflicts: 1, skipped: 0, examples: [] }
  assert.equal(appliedText('kept', applied), '2 changes applied; 0 skipped, 1 in conflict.')
  assert.equal(appliedText('applied', { ...applied, conflicts: 0 }), '2 changes applied; all of it is there.')
})
