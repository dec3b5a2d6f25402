import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PORTAL_HEADER } from '../contract/portal-page.ts'
import { readCookie, requireHost, requireOwnPage, sessionCookie, tryCookie, writeCookie } from './http-session.ts'

const CLEAR = { url: 'http://localhost:8081', isSecure: false, names: [] }
const SECURE = { url: 'https://c.example.com', isSecure: true, names: ['c.example.com', '*.ops.example.com'] }

test('a cookie is bound to its origin: by its prefix under TLS, by the port in its name on loopback', () => {
  const given = writeCookie(sessionCookie(SECURE, 'c.example.com'), 'abc')
  assert.equal(given, '__Host-mainstay=abc; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure')
  const taken = writeCookie(sessionCookie(CLEAR, 'localhost:8081'), null)
  assert.equal(taken, 'mainstay-8081=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict')
  const kept = writeCookie(tryCookie(SECURE, 'c.example.com'), 'a+b/c==')
  assert.equal(kept, '__Host-mainstay-try=a+b/c==; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure')
})

test('a cookie is found among others', () => {
  const cookie = 'a=1; mainstay-8081=abc; xmainstay-8081=no; mainstay-80=other; mainstay-8081-try=a+b/c=='
  assert.equal(readCookie({ cookie }, sessionCookie(CLEAR, 'localhost:8081')), 'abc')
  assert.equal(readCookie({ cookie }, tryCookie(CLEAR, 'localhost:8081')), 'a+b/c==')
  assert.equal(readCookie({ cookie }, { name: 'mainstay-9' }), null)
  assert.equal(readCookie({}, { name: 'mainstay-9' }), null)
})

for (const host of ['localhost:8081', 'a.localhost', '127.0.0.1:8081', '[::1]:8081', '10.0.0.7']) {
  test(`a browser may ask for ${host} anywhere`, () => requireHost(CLEAR, host))
}
for (const host of ['c.example.com', 'C.Example.com:8443', 'a.ops.example.com']) {
  test(`a browser may ask for ${host} where that is a name of control`, () => requireHost(SECURE, host))
}
for (const host of [
  'evil.example',
  'c.example.com.evil.example',
  'a.b.ops.example.com',
  'ops.example.com',
  'localhost.evil.example',
  '',
]) {
  test(`a browser may not ask for '${host}'`, () => {
    assert.throws(() => requireHost(SECURE, host), { code: 'account.bad_host' })
  })
}

const OWN = { [PORTAL_HEADER]: '1' }
const PAGES = [
  {
    what: 'our own page',
    headers: { ...OWN, origin: 'http://localhost:8081', 'sec-fetch-site': 'same-origin' },
    is: true,
  },
  { what: 'our page in a browser that sends neither', headers: OWN, is: true },
  { what: 'a form elsewhere', headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }, is: false },
  { what: 'another port of this machine', headers: { ...OWN, origin: 'http://localhost:9999' }, is: false },
  { what: 'the same site, another origin', headers: { ...OWN, 'sec-fetch-site': 'same-site' }, is: false },
  { what: 'a page without an origin', headers: { ...OWN, origin: 'null' }, is: false },
  { what: 'something that only has the cookie', headers: {}, is: false },
]
for (const { what, headers, is } of PAGES) {
  test(`${what} ${is ? 'may' : 'may not'} change things`, () => {
    const check = () => requireOwnPage(headers, 'localhost:8081')
    if (is) check()
    else assert.throws(check, { code: 'account.cross_site' })
  })
}
