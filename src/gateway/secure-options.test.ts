import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readProxies, readSecureOptions } from './secure-options.ts'

const NOTHING = { tlsPort: null, tlsCert: null, tlsKey: null, tlsPublicPort: null, trustProxy: [] }
type Values = Parameters<typeof readSecureOptions>[0]

describe('the options for HTTPS say', () => {
  const rows: [
    string,
    Values,
    Partial<Parameters<typeof readSecureOptions>[1]>,
    ReturnType<typeof readSecureOptions>,
  ][] = [
    ['nothing', {}, {}, null],
    ['a port', { 'tls-port': '443' }, {}, { port: 443, publicPort: null, files: null }],
    ['a port of the environment', {}, { tlsPort: '8443' }, { port: 8443, publicPort: null, files: null }],
    ['more than it', { 'tls-port': '0' }, { tlsPort: '8443' }, { port: 0, publicPort: null, files: null }],
    [
      'files, and another port outside',
      { 'tls-cert': '/c', 'tls-key': '/k', 'tls-public-port': '443' },
      { tlsPort: '8443' },
      { port: 8443, publicPort: 443, files: { cert: '/c', key: '/k' } },
    ],
  ]
  for (const [what, values, env, expected] of rows) {
    test(what, () => assert.deepEqual(readSecureOptions(values, { ...NOTHING, ...env }), expected))
  }
})

test('networks of proxies are named by options and by the environment', () => {
  const { isAny, networks } = readProxies(
    { 'trust-proxy': ['10.0.0.0/8,fd00::/8'] },
    { ...NOTHING, trustProxy: ['192.0.2.1/32'] },
  )
  assert.ok(isAny)
  assert.deepEqual(
    ['10.1.2.3', 'fd00::1', '192.0.2.1', '192.0.2.2'].map((address) => networks.has(address)),
    [true, true, true, false],
  )
  assert.equal(readProxies({}, NOTHING).isAny, false)
})
