import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../kit/fault.ts'
import { type PartyFacts, type PlanFacts, planRecovery } from './plan.ts'

const primary: PartyFacts = {
  id: 'p',
  name: 'PrimaryService',
  region: 'west-us',
  regionName: 'West US',
  mode: 'reserved',
  units: 2,
  health: 'Unhealthy',
  healthMessage: 'West US cannot be reached',
  promisedTo: null,
  operationId: null,
}
const secondary: PartyFacts = {
  ...primary,
  id: 's',
  name: 'SecondaryService',
  region: 'east-us',
  regionName: 'East US',
  units: 3,
  health: 'Ready',
  healthMessage: null,
  promisedTo: 'PrimaryService',
}
const base: PlanFacts = {
  primary,
  secondary,
  isForced: false,
  wish: { database: null, target: null, acceptedLossMs: undefined },
  lossMsMax: 60_000,
  restore: null,
  nowMs: Date.UTC(2026, 10, 26, 12),
  server: {
    name: 'sql-west-us',
    primaryRegionName: 'West US',
    isAlive: false,
    standby: { machine: 'east-us-1', regionName: 'East US', standing: 'ready' },
    isPromoting: false,
    otherServices: ['other'],
    lastReport: { ageMs: 4_200, lagBytes: 0, lagMs: 0, unsavedBytes: 0 },
  },
  leaseLeftMs: 300,
  earlierMs: [],
}

test('promotes the standby when the database is lost, and lists whose data moves along', () => {
  const plan = planRecovery(base)
  assert.deepEqual(plan.database, { action: 'promote', server: 'sql-west-us', alsoMoves: ['other'], restore: null })
  assert.equal(plan.predictedSeconds, 1.5)
  assert.equal(plan.predictedLossMsMax, 1_000)
  assert.equal(
    plan.lossSentence,
    'at most 1.0 s of writes; at the last report, 4.2 s ago, the standby was nothing behind',
  )
})

test('predicts no loss when every acknowledged write had waited for the standby', () => {
  const standby = { machine: 'east-us-1', regionName: 'East US', standing: 'ready' as const, isSynchronous: true }
  const plan = planRecovery({ ...base, server: { ...base.server, standby } })
  assert.deepEqual([plan.database.action, plan.predictedLossMsMax, plan.predictedLossBytes], ['promote', 0, 0])
  assert.match(plan.lossSentence, /^none/)
})

test('keeps a database that is alive, with nothing to lose and no lease to wait for', () => {
  const plan = planRecovery({ ...base, server: { ...base.server, isAlive: true, standby: null } })
  assert.deepEqual(plan.database, { action: 'keep', server: 'sql-west-us', alsoMoves: [], restore: null })
  assert.equal(plan.predictedLossMsMax, 0)
  assert.equal(plan.predictedSeconds, 1.2)
})

test('shares a promotion that another recovery has begun', () => {
  const server = { ...base.server, standby: null, isPromoting: true }
  assert.equal(planRecovery({ ...base, server }).database.action, 'promote')
})

test('does not guess a loss when no standby was connected at the last report', () => {
  const server = { ...base.server, lastReport: { ageMs: 900, lagBytes: null, lagMs: null, unsavedBytes: null } }
  const plan = planRecovery({ ...base, server })
  assert.equal(plan.predictedLossMsMax, null)
  assert.match(plan.lossSentence, /^unknown/)
})

test('predicts from what recoveries here took before', () => {
  assert.equal(planRecovery({ ...base, earlierMs: [900, 3_000, 700], leaseLeftMs: 0 }).predictedSeconds, 0.9)
})

test('says what the primary keeps of a larger secondary', () => {
  const sentence =
    "3 reserved unit(s) of 'SecondaryService' in East US, of which 'PrimaryService' keeps 2 reserved unit(s)"
  assert.equal(planRecovery(base).capacitySentence, sentence)
})

describe('refuses', () => {
  const lostServer = (standby: PlanFacts['server']['standby']) => ({ ...base.server, standby })
  const rows: [string, Partial<PlanFacts>, string][] = [
    ['a service as its own secondary', { secondary: { ...primary, health: 'Ready' } }, 'same_service'],
    ['a primary that is well', { primary: { ...primary, health: 'Ready' } }, 'not_unhealthy'],
    ['a primary that is only Degraded', { primary: { ...primary, health: 'Degraded' } }, 'not_unhealthy'],
    ['a secondary that is not Ready', { secondary: { ...secondary, health: 'Unhealthy' } }, 'secondary_not_ready'],
    ['a secondary in the same region', { secondary: { ...secondary, region: 'west-us' } }, 'same_region'],
    ['a secondary of somebody else', { secondary: { ...secondary, promisedTo: 'Third' } }, 'promised_elsewhere'],
    ['a lower mode', { secondary: { ...secondary, mode: 'shared', units: 1 } }, 'mode_too_low'],
    ['too few units', { secondary: { ...secondary, units: 1 } }, 'too_few_units'],
    ['a primary in another operation', { primary: { ...primary, operationId: 'x' } }, 'busy'],
    ['a secondary in another operation', { secondary: { ...secondary, operationId: 'x' } }, 'busy'],
    ['a lost database without a standby', { server: lostServer(null) }, 'no_database'],
    [
      'a lost database whose standby was released',
      { server: lostServer({ machine: 'east-us-1', regionName: 'East US', standing: 'released' }) },
      'no_database',
    ],
  ]
  for (const [name, given, code] of rows) {
    test(name, () => {
      assert.throws(
        () => planRecovery({ ...base, ...given }),
        (error: { code: string; hint: string }) => {
          assert.equal(error.code, `recovery.${code}`)
          assert.ok(error.hint.length > 0)
          return true
        },
      )
    })
  }
})

test('--force overrides the state of the primary and nothing else', () => {
  const well = { ...primary, health: 'Ready' }
  assert.equal(planRecovery({ ...base, primary: well, isForced: true }).primary, 'PrimaryService')
  const wrong = { ...secondary, region: 'west-us' }
  assert.throws(() => planRecovery({ ...base, primary: well, secondary: wrong, isForced: true }), {
    code: 'recovery.same_region',
  })
})

describe('what cannot be promoted', () => {
  const outline = { backup: 'b1', bytes: 100_000_000, restoresTo: '2026-11-26T11:59:50.000Z', walObjects: 3, notes: [] }
  const lastReport = { ageMs: 4_000, lagBytes: null, lagMs: null, unsavedBytes: 512 }
  const lost: PlanFacts = {
    ...base,
    restore: { kind: 'possible', outline },
    server: { ...base.server, standby: null, lastReport },
  }
  const wished = (facts: PlanFacts, wish: Partial<PlanFacts['wish']>) => ({
    ...facts,
    wish: { ...facts.wish, ...wish },
  })

  test('is restored, in the time that its size wants, and loses what is newer than the vault', () => {
    const plan = planRecovery(lost)
    assert.deepEqual([plan.database.action, plan.database.restore?.backup], ['restore', 'b1'])
    assert.deepEqual([plan.predictedLossMsMax, plan.predictedLossBytes, plan.predictedSeconds], [7_000, 512, 5.2])
    assert.equal(plan.steps.at(-1)?.name, 'restamp')
  })

  test('loses nothing for standing still, where all was in the vault', () => {
    const restore = { kind: 'possible' as const, outline: { ...outline, restoresTo: '2026-11-26T09:00:00.000Z' } }
    const server = { ...lost.server, lastReport: { ...lastReport, unsavedBytes: 0 } }
    assert.equal(planRecovery({ ...lost, restore, server }).predictedLossMsMax, 1_000)
  })

  const refusals: [string, PlanFacts, string, RegExp][] = [
    ['without a vault', { ...lost, restore: { kind: 'impossible', problem: 'no vault' } }, 'no_database', /no vault/],
    ['as kept', wished(lost, { database: 'keep' }), 'database_lost', /cannot be kept/],
    ['as promoted', wished(lost, { database: 'promote' }), 'no_database', /no standby/],
    ['at more than is accepted', { ...lost, lossMsMax: 5_000 }, 'loss_too_high', /--accept-loss 7s/],
    ['at any loss, where none is accepted', wished(lost, { acceptedLossMs: 0 }), 'loss_too_high', /--accept-loss 7s/],
    [
      'at a loss that nobody can tell, where a limit was given',
      wished({ ...lost, server: { ...lost.server, lastReport: null } }, { acceptedLossMs: 60_000 }),
      'loss_too_high',
      /--accept-loss any/,
    ],
    ['kept at a moment', wished(lost, { database: 'keep', target: 'latest' }), 'bad_target', /restored, not kept/],
    [
      'promoted while it is alive',
      wished({ ...base, isForced: true, server: { ...base.server, isAlive: true } }, { database: 'promote' }),
      'database_alive',
      /sql server switchover sql-west-us/,
    ],
  ]
  for (const [what, facts, code, text] of refusals) {
    test(`is refused ${what}`, () => {
      assert.throws(
        () => planRecovery(facts),
        (error) =>
          error instanceof Fault && error.code === `recovery.${code}` && text.test(`${error.message} ${error.hint}`),
      )
    })
  }

  const accepted: [string, PlanFacts][] = [
    ['any loss', wished({ ...lost, lossMsMax: 0 }, { acceptedLossMs: null })],
    ['a loss below what is accepted', wished({ ...lost, lossMsMax: 0 }, { acceptedLossMs: 7_000 })],
    ['a moment that was named', wished({ ...lost, lossMsMax: 0 }, { target: '2026-11-26T11:00:00Z' })],
    ['a loss that nobody can tell', { ...lost, server: { ...lost.server, lastReport: null } }],
  ]
  for (const [what, facts] of accepted) {
    test(`is restored at ${what}`, () => assert.equal(planRecovery(facts).database.action, 'restore'))
  }
})
