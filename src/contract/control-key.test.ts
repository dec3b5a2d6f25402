import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decodeControlKey, encodeControlKey } from './control-key.ts'

const key = randomBytes(32)
const refused = { code: 'control.bad_key' }

test('an exported key is read back, with what people are told above it', () => {
  const word = encodeControlKey(key, null)
  assert.deepEqual(decodeControlKey(`# Keep it safe.\n${word}\n`, null), key)
  assert.deepEqual(decodeControlKey(`${key.toString('hex')}\n`, null), key)
})

test('a locked key opens with its passphrase only, and does not contain the key', () => {
  const word = encodeControlKey(key, 'correct horse')
  assert.deepEqual(decodeControlKey(word, 'correct horse'), key)
  assert.throws(() => decodeControlKey(word, 'wrong horse'), refused)
  assert.throws(() => decodeControlKey(word, null), refused)
  assert.ok(!Buffer.from(word.split('.')[1] ?? '', 'base64url').includes(key))
})

test('a key that was copied wrongly is refused', () => {
  const word = encodeControlKey(key, null)
  const at = word.length - 20
  const turned = word.slice(0, at) + (word.charAt(at) === 'A' ? 'B' : 'A') + word.slice(at + 1)
  for (const wrong of [word.slice(0, -3), turned, `${word}x`, '', 'hello', key.toString('hex').slice(1)]) {
    assert.throws(() => decodeControlKey(wrong, null), refused)
  }
})
