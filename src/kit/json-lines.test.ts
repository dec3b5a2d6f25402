import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonLineOf } from './json-lines.ts'

test('a message is one line, whatever separators of lines are in its texts', () => {
  const message = { text: 'a\nb\rc\u2028d\u2029e' }
  const line = jsonLineOf(message)
  assert.doesNotMatch(line, /[\n\r\u2028\u2029]/)
  assert.deepEqual(JSON.parse(line), message)
})
