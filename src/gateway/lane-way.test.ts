import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import type { Route } from '../contract/assignment.ts'
import { networksOf } from '../kit/networks.ts'
import { openWayOf } from './lane-way.ts'
import type { PublicDeps } from './public-server.ts'

const TO = { machine: 'm', region: 'West US', address: '127.0.0.1', port: 1 }
const ROUTE: Route = { service: 'todo', epoch: 1, runtime: 'shared', to: TO, closed: null }
const CLOSED = { cause: 'region_unreachable', message: 'West US cannot be reached.', retryAfterSeconds: 2 }
const HTTPS = { isRedirected: true, hstsSeconds: 0 }

type Circumstances = {
  route?: Partial<Route>
  isHeld?: boolean
  isLost?: boolean
  proxies?: string[]
  isTls?: boolean
  headers?: IncomingHttpHeaders
}

function wayOf(url: string, { route = {}, headers = {}, ...other }: Circumstances = {}) {
  const known: Route = { ...ROUTE, ...route }
  const deps = {
    routes: { find: (name: string) => (name === 'todo' ? known : null), serviceAt: () => null },
    holds: { has: () => other.isHeld === true },
    isLost: () => other.isLost === true,
    proxies: networksOf(other.proxies ?? []),
    httpsPort: () => 443,
  } as unknown as PublicDeps
  const socket = { encrypted: other.isTls === true, remoteAddress: '192.0.2.1' } as unknown as Socket
  return openWayOf({ url, headers: { host: 'todo.example.com', ...headers }, socket }, deps)
}

describe('the way of a plain request', () => {
  test('leads to its service, by host or path', () => {
    assert.deepEqual(wayOf('/tables/a')?.destination, { service: 'todo', path: '/tables/a', prefix: '' })
    const byPath = wayOf('/services/todo/tables/a', { headers: { host: '127.0.0.1' } })
    assert.deepEqual([byPath?.destination.path, byPath?.destination.prefix], ['/tables/a', '/services/todo'])
    assert.deepEqual([byPath?.route.service, byPath?.isSecure], ['todo', false])
  })

  const none: [name: string, url: string, circumstances: Circumstances][] = [
    ['for the gateway itself', '/', { headers: { host: '127.0.0.1' } }],
    ['for a service that is not there', '/', { headers: { host: 'other.example.com' } }],
    ['that an authority asks', '/.well-known/acme-challenge/token', {}],
    ['for the Service Dashboard', '/status', {}],
    ['to a closed service', '/a', { route: { closed: CLOSED } }],
    ['to a service that is being moved', '/a', { isHeld: true }],
    ['to a machine that is lost', '/a', { isLost: true }],
    ['that is sent on to HTTPS', '/a', { route: { https: HTTPS } }],
    [
      'of somebody who says that it came by HTTPS',
      '/a',
      { route: { https: HTTPS }, headers: { 'x-forwarded-proto': 'https' } },
    ],
  ]
  for (const [name, url, circumstances] of none) {
    test(`is not open for one ${name}`, () => assert.equal(wayOf(url, circumstances), null))
  }

  test('is open for one that came by HTTPS, or of which a trusted proxy says so', () => {
    assert.equal(wayOf('/a', { route: { https: HTTPS }, isTls: true })?.isSecure, true)
    const headers = { 'x-forwarded-proto': 'https' }
    assert.equal(wayOf('/a', { route: { https: HTTPS }, proxies: ['192.0.2.0/24'], headers })?.isSecure, true)
  })
})
