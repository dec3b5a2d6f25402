import assert from 'node:assert/strict'
import { test } from 'node:test'
import { againProblem, isPasswordFit } from './password-fit.ts'

test('a password is fit when it is long enough and was typed twice', () => {
  assert.equal(isPasswordFit({ wanted: 'correct horse', again: 'correct horse' }), true)
  assert.equal(isPasswordFit({ wanted: 'correct horse', again: 'correct hors' }), false)
  assert.equal(isPasswordFit({ wanted: 'short', again: 'short' }), false)
})

test('while it is typed again, only what differs is said', () => {
  assert.equal(againProblem({ wanted: 'correct horse', again: 'correct' }), null)
  assert.notEqual(againProblem({ wanted: 'correct horse', again: 'horse' }), null)
})
