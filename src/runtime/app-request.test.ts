// Tests of app-request: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBody, refuseLargeBody, segmentsOf } from './app-request.ts'

test('a path is decoded segment by segment, and nothing in it is resolved', () => {
  assert.deepEqual(segmentsOf('/tables/T/'), ['tables', 'T'])
  assert.deepEqual(segmentsOf('/tables/T/a%2Fb%20c+d'), ['tables', 'T', 'a/b c+d'])
  assert.deepEqual(segmentsOf('/tables/T/..'), ['tables', 'T', '..'])
  assert.throws(() => segmentsOf('/tables/%zz'), { status: 400 })
})

test('a body is parsed by its type, JSON where none is said', () => {
  assert.deepEqual(parseBody(undefined, '{"a":1}'), { a: 1 })
  assert.deepEqual(parseBody('application/x-www-form-urlencoded; charset=utf-8', 'a=1&b=x+y'), { a: '1', b: 'x y' })
  assert.equal(parseBody('text/plain', '{}'), '{}')
  assert.equal(parseBody('application/json', ''), undefined)
  assert.throws(() => parseBody('application/json', '5'), { status: 400, message: 'invalid json' })
  assert.throws(() => parseBody('application/json', '{'), { status: 400, code: 'app.syntax' })
})

test('a body is refused by its declared length', () => {
  const bodyBytesMax = 1_048_576
  assert.throws(() => refuseLargeBody({ headers: { 'content-length': '1048577' }, bodyBytesMax }), { status: 413 })
  refuseLargeBody({ headers: { 'content-length': '1048576' }, bodyBytesMax })
})
