import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusView } from '../contract/api.ts'
import { OUTAGE_KINDS } from '../contract/local-cloud.ts'
import { judgeClock, judgeDisk, judgeNode } from './doctor.ts'
import { Ledger, liveLine } from './ledger.ts'
import { isOurs } from './our-processes.ts'
import { regionNamed, toldOutage, withOutage, withoutOutage } from './outages.ts'
import { illServices, missingRegions } from './readiness.ts'
import { controlCommand, gatewayCommand, hostCommand } from './role-commands.ts'
import { backoffMs, decideAfterEnd } from './supervision.ts'
import { parseRequest } from './up-socket.ts'

test('a crashed role waits longer each time, up to a limit', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 50].map(backoffMs), [200, 400, 800, 1_600, 3_200, 5_000, 5_000])
})

test('a role that never came up is given up, one that did its duty is not', () => {
  const crash = { ranMs: 100, wasEverReady: false }
  assert.deepEqual(decideAfterEnd({ ...crash, failures: 0 }), { kind: 'restart', afterMs: 200, failures: 1 })
  assert.equal(decideAfterEnd({ ...crash, failures: 2 }).kind, 'give_up')
  const late = decideAfterEnd({ ranMs: 100, wasEverReady: true, failures: 40 })
  assert.deepEqual(late, { kind: 'restart', afterMs: 5_000, failures: 41 })
  assert.equal(decideAfterEnd({ ranMs: 60_000, wasEverReady: true, failures: 40 }).failures, 1)
})

test('an outage replaces another of its region and leaves the others', () => {
  const outages = withOutage(
    withOutage([{ region: 'East US', kind: 'compute' }], 'West US', 'all'),
    'West US',
    'network',
  )
  assert.deepEqual(outages, [
    { region: 'East US', kind: 'compute' },
    { region: 'West US', kind: 'network' },
  ])
  assert.deepEqual(withoutOutage(outages, 'West US'), [{ region: 'East US', kind: 'compute' }])
  assert.equal(toldOutage(outages, 'West US'), 'network')
  assert.equal(toldOutage([{ region: 'West US', kind: 'all' }], 'West US'), null)
})

test('a region is found by name or slug, in any case', () => {
  for (const typed of ['West US', 'west-us', 'WEST us'])
    assert.equal(regionNamed(['East US', 'West US'], typed), 'West US')
  assert.throws(() => regionNamed(['East US'], 'Mars'), { code: 'region.unknown', status: 404 })
})

test('processes of a cloud are its roles and PostgreSQL, never a person’s tail or another cloud’s', () => {
  const folders = ['/home/a/.mainstay/hosts/west-us', '/run/mainstay/abc']
  const ours = [
    '/x/node /y/bin/mainstay.mjs host --home /home/a/.mainstay/hosts/west-us --region West US',
    '/x/node /y/bin/mainstay.mjs runtime --socket=/run/mainstay/abc/shared-0.sock',
    '/z/bin/postgres -D /home/a/.mainstay/hosts/west-us/postgresql/sql-west-us',
    '/z/bin/initdb --sync-only -D /home/a/.mainstay/hosts/west-us/postgresql/sql-west-us/data',
  ]
  const others = [
    'tail -f /home/a/.mainstay/hosts/west-us/host.log',
    '/x/node /y/bin/mainstay.mjs host --home /home/a/.mainstay/hosts/west-us2 --region West US 2',
    '/x/node /y/bin/mainstay.mjs up --home /home/a/.mainstay/hosts/west-us',
    'vim /home/a/.mainstay/hosts/west-us/postgres/x',
  ]
  for (const command of ours) assert.equal(isOurs(command, folders), true, command)
  for (const command of others) assert.equal(isOurs(command, folders), false, command)
})

test('regions outside an outage are waited for', () => {
  const status = statusOf({ 'West US': 'Ready', 'East US': 'Starting' }, 'Ready')
  assert.deepEqual(missingRegions(status, ['West US', 'East US', 'New'], []), ['East US', 'New'])
  assert.deepEqual(missingRegions(status, ['West US', 'East US'], [{ region: 'East US', kind: 'all' }]), [])
})

test('services are waited for unless their home or their database is in an outage', () => {
  const status = statusOf({}, 'Starting')
  assert.deepEqual(illServices(status, []), ['A'])
  assert.deepEqual(illServices(status, [{ region: 'West US', kind: 'compute' }]), [])
  assert.deepEqual(illServices(status, [{ region: 'East US', kind: 'network' }]), [])
  assert.deepEqual(illServices(statusOf({}, 'Ready'), []), [])
})

test('roles are started with the command lines of separate machines', () => {
  const facts = {
    home: '/h',
    gatewayHome: '/h/gateway',
    tokenFile: '/h/operator.token',
    port: 80,
    controlPort: 81,
    machinePort: 9,
    tls: null,
  }
  assert.equal(
    controlCommand(facts).join(' '),
    'control --home /h --port 81 --machine-port 9 --address 127.0.0.1 --domain control ' +
      '--gateway-url http://localhost:80 --token-file /h/operator.token --vault /h/vault',
  )
  assert.equal(
    gatewayCommand(facts).join(' '),
    'gateway --home /h/gateway --control https://127.0.0.1:9 --domain edge --address 127.0.0.1 --port 80',
  )
  const tls = { port: 443, files: { cert: '/c', key: '/k' } }
  assert.match(gatewayCommand({ ...facts, tls }).join(' '), /--port 80 --tls-port 443 --tls-cert \/c --tls-key \/k$/)
  assert.deepEqual(hostCommand(facts, { home: '/h/hosts/west-us', region: 'West US' }).slice(0, 5), [
    'host',
    '--home',
    '/h/hosts/west-us',
    '--region',
    'West US',
  ])
})

test('an outage lasts from the last acknowledged row to the next one', () => {
  const ledger = new Ledger(0)
  ledger.noteAcked('a', 100)
  ledger.noteFailed()
  ledger.noteFailed()
  assert.deepEqual([ledger.isDown(), ledger.downMs(600)], [true, 500])
  assert.equal(ledger.noteAcked('b', 6_200), 6_100)
  ledger.noteFailed()
  ledger.noteAcked('c', 6_300)
  assert.deepEqual([ledger.isDown(), ledger.downMs(9_999), ledger.failures], [false, 6_100, 3])
})

test('the live line has the counts and the outage', () => {
  assert.equal(liveLine({ acked: 1_204, lost: 0, downMs: 6_140 }), 'acked 1,204 · lost 0 · down 6.1 s')
})

test('requests to up are checked', () => {
  assert.deepEqual(parseRequest('{"kind":"outage_start","region":"West US","only":"network","x":1}'), {
    kind: 'outage_start',
    region: 'West US',
    only: 'network',
  })
  for (const only of OUTAGE_KINDS) {
    const request = { kind: 'outage_start', region: 'West US', only } as const
    assert.deepEqual(parseRequest(JSON.stringify(request)), request)
  }
  for (const line of [
    '{}',
    '[]',
    'null',
    '{"kind":"outage_start"}',
    '{"kind":"outage_start","region":"a","only":"b"}',
  ]) {
    assert.throws(() => parseRequest(line), { code: 'up.bad_request' }, line)
  }
})

test('the doctor judges Node, disk and clock', () => {
  assert.deepEqual([judgeNode('24.21.0').level, judgeNode('20.1.0').level], ['ok', 'fail'])
  assert.deepEqual(
    [judgeDisk(10 ** 12), judgeDisk(10 ** 9), judgeDisk(10 ** 7)].map((one) => one.level),
    ['ok', 'warn', 'fail'],
  )
  const now = Date.UTC(2026, 0, 1)
  assert.deepEqual(
    [judgeClock(now, now - 5), judgeClock(now, now - 60_000), judgeClock(0, 0)].map((one) => one.level),
    ['ok', 'warn', 'fail'],
  )
})

function statusOf(regions: Record<string, 'Ready' | 'Starting'>, service: 'Ready' | 'Starting'): StatusView {
  const health = { cause: null, message: null, since: null, evidence: [], next: null }
  const bare = { slug: '', reservedUnits: 0, reservedUnitsUsed: 0, sharedSlots: 0, sharedSlotsUsed: 0, hosts: 1 }
  const keys = {
    mode: 'shared' as const,
    units: 1,
    url: '',
    pathUrl: '',
    applicationKey: '',
    masterKey: '',
    tables: [],
  }
  const home = {
    epoch: 1,
    server: '',
    serverRegion: 'East US',
    secondaryFor: null,
    secondary: null,
    recoveredFrom: null,
    verification: null,
    exposure: null,
    formerDatabase: null,
    operation: null,
    createdAt: '',
  }
  return {
    regions: Object.entries(regions).map(([name, state]) => ({ ...bare, name, health: { ...health, state } })),
    services: [{ name: 'A', region: 'West US', health: { ...health, state: service }, ...keys, ...home }],
    machines: [],
    controls: [],
    archive: null,
    warnings: [],
  }
}
