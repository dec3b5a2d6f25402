import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantOf } from './moment.ts'

test('a moment of the local clock becomes an instant', () => {
  assert.equal(instantOf('2026-11-27T18:00:05'), new Date(2026, 10, 27, 18, 0, 5).toISOString())
})

test('nothing chosen is no moment', () => {
  assert.equal(instantOf(''), null)
  assert.equal(instantOf('tomorrow'), null)
})
