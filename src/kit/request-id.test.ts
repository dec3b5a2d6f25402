import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestIdOf } from './request-id.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/

test('an id of letters, digits, dots, lines and underscores is kept, up to 64 of them', () => {
  for (const id of ['a', 'order-17', 'A.b_C-9', 'x'.repeat(64)]) assert.equal(requestIdOf(id), id)
})

test('anything else, or none, gets a new id, another one each time', () => {
  const bad = [undefined, '', ' ', 'x'.repeat(65), 'a b', 'a\nb', 'é', '{"a":1}', 'a,b', ['a', 'b'], ['a']]
  const ids = bad.map(requestIdOf)
  for (const id of ids) assert.match(id, UUID)
  assert.equal(new Set(ids).size, bad.length)
})
