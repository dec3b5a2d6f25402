import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logQueryOf } from './log-filter.ts'

test('the filters that clients make are read', () => {
  assert.deepEqual(logQueryOf({}), { top: 10 })
  assert.deepEqual(logQueryOf({ $filter: "Type eq 'error'", $top: '3' }), { top: 3, type: 'error' })
  assert.deepEqual(logQueryOf({ $filter: "type eq 'Warning' and Source eq '/api/it''s and that.js'" }), {
    top: 10,
    type: 'warning',
    source: "/api/it's and that.js",
  })
  assert.deepEqual(logQueryOf({ continuationToken: '1234567890123456' }), { top: 10, before: '1234567890123456' })
  assert.equal(logQueryOf({ $top: '1000000' }).top < 1_000_000, true)
})

test('what is not known is refused, never left out', () => {
  for (const query of [
    { $filter: "Message eq 'x'" },
    { $filter: "Type eq 'error' or Type eq 'warning'" },
    { $filter: "Type eq 'fatal'" },
    { $filter: 'Type eq error' },
    { $top: '0' },
    { $top: 'many' },
    { continuationToken: 'x' },
  ]) {
    assert.throws(() => logQueryOf(query), { code: 'http.bad_request', status: 400 }, JSON.stringify(query))
  }
})
