import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memberRow, serverRow } from '../../tests/support/server-rows.ts'
import type { HostFacts, ServerFacts } from '../contract/facts.ts'
import { decideHomes, decideLeases, decideServers, isHistoryExplained } from './adoption.ts'
import { decideVersion, GENERATION } from './lineage.ts'
import { listUnknown } from './unknown-holdings.ts'

describe('what a machine has seen decides about our version', () => {
  const rows: [string, Parameters<typeof decideVersion>[0], ReturnType<typeof decideVersion>][] = [
    ['nothing new', { own: 7, reported: 7, isSettling: false }, { kind: 'fine', above: 7 }],
    ['the database lost its last moments', { own: 7, reported: 9, isSettling: false }, { kind: 'raise', above: 9 }],
    [
      'a restored control has taken over',
      { own: 7, reported: GENERATION, isSettling: false },
      { kind: 'superseded', above: GENERATION },
    ],
    [
      'just restored, and restored before from the same archive',
      { own: GENERATION, reported: GENERATION + 5, isSettling: true },
      { kind: 'raise', above: 2 * GENERATION },
    ],
    ['just restored', { own: GENERATION, reported: 900, isSettling: true }, { kind: 'fine', above: GENERATION }],
  ]
  for (const [name, given, wanted] of rows) test(name, () => assert.deepEqual(decideVersion(given), wanted))
})

const server = (facts: Partial<ServerFacts>): ServerFacts => ({
  name: 'sql-west-us',
  version: 1,
  epoch: 5,
  role: 'primary',
  state: 'running',
  problem: null,
  lsn: null,
  timeline: 1,
  forkLsn: null,
  lease: { kind: 'free', term: 0, ageMs: null },
  standby: null,
  lastContactMs: null,
  dataBytes: null,
  quarantine: null,
  schemas: [],
  ...facts,
})
const host = (machine: string, region: string, facts: Partial<HostFacts>): HostFacts => ({
  protocol: 1,
  machine,
  region,
  address: '127.0.0.1',
  port: 1,
  version: 1,
  servers: [],
  runtimes: [],
  reach: [],
  memoryBytes: 0,
  offer: {},
  ...facts,
})
const runtime = (name: string, epoch: number) => ({
  name: 'shared',
  version: 1,
  state: 'running' as const,
  processes: 1,
  restarts: 0,
  problem: null,
  sandbox: 'full' as const,
  services: [{ name, epoch }],
})

describe('after a restore', () => {
  const rows = [{ ...serverRow({ name: 'sql-west-us', epoch: '5' }), members: [] }]
  const west = host('west-us-1', 'West US', { servers: [server({})], runtimes: [runtime('App', 6)] })
  const promoted = server({ epoch: 9, forkLsn: '0/3000000' })
  const east = host('east-us-1', 'East US', { servers: [promoted], runtimes: [runtime('App', 10)] })
  const service = { id: 's', name: 'App', machine: 'west-us-1', epoch: '6', operation_id: null }

  test('a server that was promoted after the archive is where its new primary says', () => {
    const wanted = { server: 'sql-west-us', machine: 'east-us-1', epoch: 9, forkLsn: '0/3000000' }
    assert.deepEqual(decideServers(rows, [west, east]), [wanted])
  })

  test('nothing is adopted from an old primary, from a standby, or under the epoch that is known', () => {
    const standby = host('east-us-1', 'East US', { servers: [server({ role: 'standby', epoch: 9 })] })
    assert.deepEqual(decideServers(rows, [west, standby]), [])
  })

  test('a service is where it is served under the newest epoch, unless an operation has it', () => {
    const wanted = { service: 's', machine: 'east-us-1', region: 'East US' }
    assert.deepEqual(decideHomes([service], [west, east]), [wanted])
    assert.deepEqual(decideHomes([{ ...service, operation_id: 'o' }], [west, east]), [])
    assert.deepEqual(decideHomes([{ ...service, epoch: '10' }], [west, east]), [])
  })

  test('a standby whose primary goes on without proof was released, and terms are never used again', () => {
    const standing = (lease_term: number) => [
      memberRow({ server: 'sql-west-us', machine: 'west-us-1', role: 'primary' }),
      memberRow({ server: 'sql-west-us', machine: 'east-us-1', role: 'standby', standing: 'ready', lease_term }),
    ]
    const facts = (kind: 'free' | 'held' | 'lost', term: number) => [
      host('west-us-1', 'West US', { servers: [server({ lease: { kind, term, ageMs: null } })] }),
    ]
    const decide = (kind: 'free' | 'held' | 'lost', term: number) =>
      decideLeases(
        rows.map((row) => ({ ...row, members: standing(2) })),
        facts(kind, term),
      )
    assert.deepEqual(decide('held', 2), [])
    assert.deepEqual(decide('lost', 2), [])
    assert.deepEqual(decide('free', 2), [{ server: 'sql-west-us', term: 2, isReleased: true }])
    assert.deepEqual(decide('held', 4), [{ server: 'sql-west-us', term: 4, isReleased: false }])
  })

  test('epochs that are taken by what the machines show hide nothing; a gap may', () => {
    assert.equal(isHistoryExplained(8, 8, []), true)
    assert.equal(isHistoryExplained(8, 10, [west, east]), true)
    assert.equal(isHistoryExplained(7, 10, [west, east]), false)
    assert.equal(isHistoryExplained(8, 11, [west, east]), false)
  })

  test('what a host holds and nobody knows is named', () => {
    const facts = host('east-us-1', 'East US', {
      servers: [
        server({
          schemas: [
            { schema: 'app', epoch: 6, problem: null },
            { schema: 'new', epoch: 7, problem: null },
          ],
        }),
      ],
      runtimes: [runtime('New', 7), runtime('App', 6)],
    })
    const known = {
      servers: new Set(['sql-west-us']),
      schemas: new Set(['sql-west-us app']),
      services: new Set(['app']),
    }
    assert.deepEqual(listUnknown(facts, known), [
      { machine: 'east-us-1', kind: 'schema', server: 'sql-west-us', name: 'new' },
      { machine: 'east-us-1', kind: 'service', server: '', name: 'New' },
    ])
    const none = { ...known, servers: new Set<string>() }
    assert.deepEqual(listUnknown(facts, none)[0], {
      machine: 'east-us-1',
      kind: 'server',
      server: 'sql-west-us',
      name: 'sql-west-us',
    })
  })
})
