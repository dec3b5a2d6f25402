// Tests of etags: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNoneMatch, parseIfMatch, versionNumber } from './etags.ts'

test('a write demands one quoted version, or none', () => {
  assert.equal(parseIfMatch({}), null)
  assert.equal(parseIfMatch({ 'if-match': '*' }), null)
  assert.equal(parseIfMatch({ 'if-match': ' "AAA=" ' }), 'AAA=')
  assert.equal(parseIfMatch({ 'if-match': '"a\\"b"' }), 'a"b')
  assert.throws(() => parseIfMatch({ 'if-match': 'AAA=' }), { message: "Invalid 'if-match' header." })
  assert.throws(() => parseIfMatch({ 'if-match': 'W/"AAA="' }), { message: "Invalid 'if-match' header." })
  assert.throws(() => parseIfMatch({ 'if-match': '"a", "b"' }), { message: /Only single etag/ })
})

test('a read is spared when the version is known', () => {
  assert.equal(isNoneMatch({}, 'v'), false)
  for (const header of ['*', '"v"', '"x", "v"']) assert.equal(isNoneMatch({ 'if-none-match': header }, 'v'), true)
  for (const header of ['v', '"x"']) assert.equal(isNoneMatch({ 'if-none-match': header }, 'v'), false)
})

test('a version is 8 bytes of clean base64, big-endian', () => {
  assert.equal(versionNumber('AAABAAAAAAU='), '1099511627781')
  for (const text of ['', 'x', 'AAABAAAAAAU', 'AAABAAAAAAU= ', 'AAAB']) assert.equal(versionNumber(text), null)
})
