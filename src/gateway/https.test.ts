import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import { networksOf } from '../kit/networks.ts'
import { challengeTokenOf, hostNameOf, hstsOf, isSecure, redirectOf } from './https.ts'

const PLAIN = { isSecure: false, authority: 'todo.example.com:8080', url: '/tables/a?$top=1' }
const REDIRECTED = { https: { isRedirected: true, hstsSeconds: 0 } }

describe('a plain request is sent', () => {
  const rows: [string, Parameters<typeof redirectOf>, string | null][] = [
    ['to the same place by HTTPS', [PLAIN, REDIRECTED, 443], 'https://todo.example.com/tables/a?$top=1'],
    ['to our port', [PLAIN, REDIRECTED, 8443], 'https://todo.example.com:8443/tables/a?$top=1'],
    ['to an address', [{ ...PLAIN, authority: '[::1]:80' }, REDIRECTED, 443], 'https://[::1]/tables/a?$top=1'],
    ['nowhere where there is no HTTPS', [PLAIN, REDIRECTED, null], null],
    ['nowhere where the service does not want it', [PLAIN, {}, 443], null],
    ['nowhere when it came by HTTPS', [{ ...PLAIN, isSecure: true }, REDIRECTED, 443], null],
    ['nowhere without a host', [{ ...PLAIN, authority: undefined }, REDIRECTED, 443], null],
    ['nowhere with a strange host', [{ ...PLAIN, authority: 'a/b@c' }, REDIRECTED, 443], null],
    ['nowhere with a whole URL', [{ ...PLAIN, url: 'http://b/' }, REDIRECTED, 443], null],
  ]
  for (const [what, args, expected] of rows) test(what, () => assert.equal(redirectOf(...args), expected))
})

describe('browsers are told to come by HTTPS', () => {
  const route = { https: { isRedirected: false, hstsSeconds: 60 } }
  const rows: [string, Parameters<typeof hstsOf>, string | null][] = [
    ['at the host of a service', [true, '', route], 'max-age=60'],
    ['not at a host that others share', [true, '/services/todo', route], null],
    ['not by plain HTTP, which others could have changed', [false, '', route], null],
    ['not where the service does not want it', [true, '', { https: { isRedirected: true, hstsSeconds: 0 } }], null],
  ]
  for (const [what, args, expected] of rows) test(what, () => assert.equal(hstsOf(...args), expected))
})

describe('what came by TLS is known', () => {
  const proxies = networksOf(['10.0.0.0/8', 'fd00::1/128'])
  const of = (remoteAddress: string, proto?: string, encrypted?: boolean) =>
    ({
      socket: encrypted === undefined ? { remoteAddress } : { remoteAddress, encrypted },
      headers: proto === undefined ? {} : { 'x-forwarded-proto': proto },
    }) as unknown as IncomingMessage
  const rows: [string, IncomingMessage, boolean][] = [
    ['by the connection', of('1.2.3.4', undefined, true), true],
    ['by the connection, whatever is said', of('1.2.3.4', 'http', true), true],
    ['by the word of a proxy', of('10.1.1.1', 'https'), true],
    ['by the first word of several', of('::ffff:10.1.1.1', 'https, http'), true],
    ['by the word of a proxy of version 6', of('fd00::1', 'HTTPS'), true],
    ['not by the word of anybody else', of('1.2.3.4', 'https'), false],
    ['not when the proxy says otherwise', of('10.1.1.1', 'http, https'), false],
    ['not without a word', of('10.1.1.1'), false],
  ]
  for (const [what, request, expected] of rows) test(what, () => assert.equal(isSecure(request, proxies), expected))
})

test('a host is compared without case, port and the dot at its end', () => {
  const rows: [string | undefined, string][] = [
    ['API.Example.com', 'api.example.com'],
    ['api.example.com:8443', 'api.example.com'],
    ['api.example.com.:80', 'api.example.com'],
    ['[::1]:80', '[::1]'],
    [undefined, ''],
  ]
  for (const [authority, name] of rows) assert.equal(hostNameOf(authority), name)
})

test('the path that an authority asks at has a token', () => {
  assert.equal(challengeTokenOf('/.well-known/acme-challenge/abc'), 'abc')
  assert.equal(challengeTokenOf('/.well-known/other/abc'), null)
})
