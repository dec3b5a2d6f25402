import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isSameSecret } from './same-secret.ts'

describe('a secret', () => {
  const cases: [given: string | Buffer, wanted: string | Buffer, isSame: boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ABC', false],
    ['ab', 'abc', false],
    ['abcd', 'abc', false],
    ['', 'abc', false],
    // As many characters, but not as many bytes.
    ['ä', 'a', false],
    ['ä', 'ä', true],
    [Buffer.from('abc'), Buffer.from('abc'), true],
    [Buffer.from('abc'), 'abc', true],
    [Buffer.from('abc'), Buffer.from('ab'), false],
  ]
  for (const [given, wanted, isSame] of cases) {
    test(`${JSON.stringify(String(given))} is ${isSame ? '' : 'not '}${JSON.stringify(String(wanted))}`, () => {
      assert.equal(isSameSecret(given, wanted), isSame)
    })
  }
})
