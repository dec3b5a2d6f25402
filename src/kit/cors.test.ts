// Tests of cors: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corsHeaders, isOriginAllowed } from './cors.ts'

for (const [origin, allowed, isAllowed] of [
  ['http://localhost', ['localhost'], true],
  ['https://LOCALHOST:8443', ['localhost'], true],
  ['http://localhost.evil.test', ['localhost'], false],
  ['http://a.example.test', ['*.example.test'], true],
  ['http://example.test', ['*.example.test'], false],
  ['http://localhost/path', ['localhost'], false],
  ['ftp://localhost', ['localhost'], false],
  ['ms-appx-web://localhost', ['localhost'], true],
  ['null', ['localhost'], false],
  ['null', ['null'], true],
  ['nonsense', ['*'], false],
] as const) {
  test(`${origin} is ${isAllowed ? 'allowed' : 'refused'} by ${allowed.join()}`, () => {
    assert.equal(isOriginAllowed(origin, [...allowed]), isAllowed)
  })
}

test('only a preflight hears of methods, and odd requested headers are not echoed', () => {
  const headers = { origin: 'http://localhost', 'access-control-request-headers': 'x\r\ny' }
  assert.deepEqual(corsHeaders({ method: 'GET', headers, exposed: null }, ['localhost']), {
    vary: 'Origin',
    'access-control-allow-origin': 'http://localhost',
  })
  assert.equal(
    corsHeaders({ method: 'OPTIONS', headers, exposed: null }, ['localhost'])['access-control-max-age'],
    '300',
  )
})
