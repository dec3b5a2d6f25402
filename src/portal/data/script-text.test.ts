import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyScript } from './script-text.ts'

test('an empty script goes on with the operation; delete is no name in JavaScript', () => {
  assert.match(emptyScript('insert'), /^function insert\(item, user, request\) \{/)
  assert.match(emptyScript('delete'), /^function del\(id, user, request\) \{/)
  assert.match(emptyScript('read'), /request\.execute\(\)/)
})
