import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seal, unseal, unsealOld } from './sealed.ts'

test('what was sealed opens again, for the same purpose and under the same key only', () => {
  const sealed = seal('key', 'try', 'a text')
  assert.equal(unseal('key', 'try', sealed), 'a text')
  assert.equal(unseal('key', 'code', sealed), null)
  assert.equal(unseal('other', 'try', sealed), null)
  assert.equal(unseal('key', 'try', `${sealed.slice(0, -2)}AA`), null)
  for (const bad of ['', 'g1.', 'g1.AAAA', 'nonsense']) assert.equal(unseal('key', 'try', bad), null)
})

// echo -n '{"a":1}' | openssl enc -aes-256-cbc -md md5 -pass pass:master-key -base64 -A [-nosalt]
test('what the original encrypted opens', () => {
  assert.equal(unsealOld('master-key', 'U2FsdGVkX19V5WQPVLAjCYtMjmzgRq9gOoXMZUzCB6g='), '{"a":1}')
  assert.equal(unsealOld('master-key', 'dAxlblQr0xe+aYCTMKnPvw=='), '{"a":1}')
  assert.equal(unsealOld('other', 'dAxlblQr0xe+aYCTMKnPvw=='), null)
})
