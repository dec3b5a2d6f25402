import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostInUrl, isLoopback, parseHost, parseListening, parseName, parsePort, parseTime } from './role-options.ts'

const any = { isAnyAllowed: true }
const one = { isAnyAllowed: false }
const day = { minMs: 1_000, maxMs: 86_400_000 }

const GOOD: [what: string, read: () => unknown, value: unknown][] = [
  ['a port', () => parsePort('--port', '8081', one), 8081],
  ['any port', () => parsePort('--port', '0', any), 0],
  ['an IPv6 address', () => parseHost('--address', '::1'), '::1'],
  ['a host name', () => parseHost('--address', 'west-1.example'), 'west-1.example'],
  [
    'one address for both',
    () => parseListening({ address: '10.0.0.1' }),
    { address: '10.0.0.1', advertise: '10.0.0.1' },
  ],
  [
    'all addresses and one to tell',
    () => parseListening({ address: '0.0.0.0', advertise: '10.0.0.1' }),
    { address: '0.0.0.0', advertise: '10.0.0.1' },
  ],
  ['seconds', () => parseTime('--certificate-life', '90s', day), 90_000],
  ['a day', () => parseTime('--certificate-life', '1d', day), 86_400_000],
  ['a name', () => parseName('--region', ' West US '), 'West US'],
]
for (const [what, read, value] of GOOD) test(`takes ${what}`, () => assert.deepEqual(read(), value))

const BAD: [what: string, read: () => unknown, code: string][] = [
  ['a port beyond the last', () => parsePort('--port', '65536', any), 'options.bad_port'],
  ['a word for a port', () => parsePort('--port', 'http', any), 'options.bad_port'],
  ['a negative port', () => parsePort('--port', '-1', any), 'options.bad_port'],
  ['any port where one is needed', () => parsePort('--port', '0', one), 'options.bad_port'],
  ['an empty port', () => parsePort('--port', '', any), 'options.bad_port'],
  ['an address with a port', () => parseHost('--address', '10.0.0.1:80'), 'options.bad_address'],
  ['an address with too few numbers', () => parseHost('--address', '10.0.1'), 'options.bad_address'],
  ['an empty address', () => parseHost('--address', ''), 'options.bad_address'],
  ['all addresses alone', () => parseListening({ address: '0.0.0.0' }), 'options.missing'],
  ['all addresses to tell', () => parseListening({ address: '::', advertise: '::' }), 'options.bad_address'],
  ['a time without a unit', () => parseTime('--life', '90', day), 'options.bad_time'],
  ['a time that is too long', () => parseTime('--life', '2d', day), 'options.bad_time'],
  ['no time', () => parseTime('--life', '0s', day), 'options.bad_time'],
  ['a name without a letter', () => parseName('--region', ' - '), 'options.bad_name'],
]
for (const [what, read, code] of BAD) test(`refuses ${what}`, () => assert.throws(read, { code, status: 400 }))

test('knows what no other machine can reach, and how a host looks in a URL', () => {
  assert.deepEqual(['127.0.0.2', 'localhost', '::1', '10.0.0.1', '0.0.0.0'].map(isLoopback), [
    true,
    true,
    true,
    false,
    false,
  ])
  assert.deepEqual(['127.0.0.1', 'fd00::1', '10.0.0.1'].map(hostInUrl), ['localhost', '[fd00::1]', '10.0.0.1'])
})
