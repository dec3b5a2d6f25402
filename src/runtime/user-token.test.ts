// Which tokens of users hold, and why others do not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soon, userToken } from '../../tests/support/user-tokens.ts'
import { readToken, signed, tokenKey } from './user-token.ts'

const KEY = 'master-key'
const NOW_MS = Date.now()
const AUTHORITY = 'urn:microsoft:windows-azure:zumo'
const HEAD = { alg: 'HS256', typ: 'JWT' }
const second = { exp: soon(), iss: AUTHORITY, aud: AUTHORITY, sub: 'sid:ann' }
const nowSeconds = NOW_MS / 1_000

const GOOD: [string, string, string][] = [
  ['of the first generation', userToken(KEY), 'Custom:ann'],
  ['whoever issued it, for whomever', userToken(KEY, { iss: 'me', aud: 'you', ver: undefined }), 'Custom:ann'],
  [
    'that was just made on a clock ahead',
    userToken(KEY, { iat: nowSeconds + 200, nbf: nowSeconds + 200 }),
    'Custom:ann',
  ],
  ['without a type', signed({ alg: 'HS256' }, { exp: soon(), uid: 'a' }, tokenKey(KEY)), 'a'],
  ['of the second generation', signed(HEAD, second, KEY), 'sid:ann'],
]

for (const [which, token, id] of GOOD) {
  test(`a token ${which} holds`, () => assert.equal(readToken(token, KEY, NOW_MS).id, id))
}

const unsigned = userToken(KEY).split('.').slice(0, 2).join('.')
const BAD: [string, string, RegExp][] = [
  ['of two parts', unsigned, /^Invalid token format. Expected Envelope.Claims.Signature.$/],
  ['without a signature', `${unsigned}.`, /^Invalid token format/],
  ['with letters that are none', `${unsigned}.a+b`, /^The authentication token contains illegal base64 url string.$/],
  ['that is no JSON', 'YQ.YQ.YQ', /^Invalid token format/],
  ['of a list', signed(HEAD, [], tokenKey(KEY)), /^Invalid token format/],
  ['that expired', userToken(KEY, { exp: nowSeconds - 1 }), /^The authentication token has expired.$/],
  ['without an end', userToken(KEY, { exp: undefined }), /^The authentication token requires expiration claim.$/],
  ['with an end in words', userToken(KEY, { exp: 'never' }), /requires expiration claim/],
  ['of another key', userToken('other'), /^The authentication token has an invalid signature.$/],
  [
    'of the key as it is, with the first generation’s claims',
    signed(HEAD, { exp: soon(), uid: 'a' }, KEY),
    /signature/,
  ],
  ['without a signature algorithm', signed({ alg: 'none' }, { exp: soon(), uid: 'a' }, tokenKey(KEY)), /algorithm/],
  ['of another type', signed({ alg: 'HS256', typ: 'JWE' }, { exp: soon(), uid: 'a' }, tokenKey(KEY)), /type/],
  ['from far ahead', userToken(KEY, { nbf: nowSeconds + 400 }), /not valid yet/],
  ['that names nobody', userToken(KEY, { uid: undefined }), /names no user/],
  ['that names a number', userToken(KEY, { uid: 7 }), /names no user/],
  ['of the second generation for somebody else', signed(HEAD, { ...second, aud: 'x' }, KEY), /another audience/],
  ['of the second generation under the first’s key', signed(HEAD, second, tokenKey(KEY)), /signature/],
]

for (const [which, token, reason] of BAD) {
  test(`a token ${which} does not hold`, () => {
    assert.throws(() => readToken(token, KEY, NOW_MS), { status: 401, message: reason })
  })
}
