import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthView, ServerView, ServiceView } from '../../contract/api.ts'
import { checkReadiness, type ReadinessFacts, worstOf } from './readiness.ts'

const NOW = Date.parse('2026-11-27T18:00:00Z')
const ready = { state: 'Ready', message: null, next: null } as HealthView
const service = {
  ...{ name: 'Primary', region: 'West US', mode: 'reserved', units: 2 },
  ...{ secondary: 'Second', operation: null, server: 'sql-west-us' },
} as ServiceView
const secondary = { name: 'Second', region: 'East US', mode: 'reserved', units: 2, health: ready } as ServiceView
const standby = { role: 'standby', region: 'East US', standing: 'ready', state: 'running', lagBytes: 0, lagMs: 0 }
const server = {
  ...{ kind: 'managed', members: [standby] },
  backup: { restorableTo: '2026-11-27T17:59:50Z', problem: null },
} as ServerView
const facts: ReadinessFacts = { service, secondary, server, lossMsMax: 60_000, nowMs: NOW }

const wrong = (changed: Partial<ReadinessFacts>) =>
  checkReadiness({ ...facts, ...changed })
    .filter(({ state }) => state !== 'good')
    .map(({ name, state }) => `${state}: ${name}`)

test('all is well when the pair, the standby and the vault are', () => {
  assert.deepEqual(wrong({}), [])
  assert.equal(worstOf(checkReadiness(facts)), 'good')
})

test('without a secondary it says which command makes one', () => {
  const checks = checkReadiness({ ...facts, service: { ...service, secondary: null }, secondary: null })
  assert.equal(checks[0]?.state, 'bad')
  assert.equal(checks[0]?.fix, 'mainstay mobile create Primary-2 --secondary-for Primary')
})

test('a secondary that is in the same region, ill or too small is no secondary', () => {
  const here = { ...secondary, region: 'West US' }
  assert.ok(wrong({ secondary: here }).includes('bad: The secondary is in another region'))
  assert.deepEqual(wrong({ secondary: { ...secondary, health: { ...ready, state: 'Unhealthy' } } }), [
    'bad: The secondary is Ready',
  ])
  const small = { ...secondary, mode: 'shared' as const, units: 1 }
  assert.deepEqual(wrong({ secondary: small }), ['bad: The secondary is large enough'])
  assert.deepEqual(wrong({ secondary: { ...secondary, units: 1 } }), ['bad: The secondary is large enough'])
})

test('a standby that is behind the accepted loss is a warning with the setting that would accept it', () => {
  const late = { ...server, members: [{ ...standby, lagBytes: 9, lagMs: 90_500 }] } as ServerView
  const check = checkReadiness({ ...facts, server: late }).find(({ name }) => name === 'The standby is close enough')
  assert.equal(check?.state, 'warning')
  assert.equal(check?.fix, 'mainstay mobile config set Primary recovery.lossMax 91s')
})

test('no standby is bad, one that is built is not ready yet', () => {
  const bare = { ...server, members: [] } as unknown as ServerView
  assert.ok(wrong({ server: bare }).includes('bad: The database has a standby that is ready'))
  const building = { ...server, members: [{ ...standby, standing: 'building' }] } as ServerView
  assert.ok(wrong({ server: building }).includes('warning: The database has a standby that is ready'))
})

test('old or missing backups and an operation under way are told', () => {
  const old = { ...server, backup: { restorableTo: '2026-11-27T17:00:00Z', problem: null } } as ServerView
  assert.deepEqual(wrong({ server: old }), ['warning: The vault can restore it'])
  assert.deepEqual(wrong({ service: { ...service, operation: 'x' } }), ['warning: Nothing else is under way'])
})

test('of an external server nothing is claimed', () => {
  const external = { ...server, kind: 'external', members: [] } as unknown as ServerView
  assert.deepEqual(
    wrong({ server: external }).filter((line) => !line.startsWith('unknown')),
    [],
  )
})
