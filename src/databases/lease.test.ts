import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decideLease, isOpenAllowed, type LeaseDecision, type LeaseFacts, promotionWaitMs } from './lease.ts'

const limits = { leaseMs: 4_000, releaseAfterMs: 1_500 }
const base: LeaseFacts = {
  isRequired: true,
  provenAt: 100_000,
  askingSince: 90_000,
  isRefused: false,
  wasOpenBefore: false,
}

describe('a primary with a standby elsewhere', () => {
  const rows: [string, Partial<LeaseFacts>, number, string][] = [
    ['is free without a requirement', { isRequired: false, provenAt: null }, 100_000, 'free'],
    ['holds a fresh proof', {}, 100_010, 'held until 104000'],
    ['holds until just before the end', {}, 103_999, 'held until 104000, release due'],
    ['asks for release after 1.5 s of silence', {}, 101_500, 'held until 104000, release due'],
    ['may not be open when the proof has run out', {}, 104_000, 'wait, release due'],
    ['is lost when the other side refuses, however fresh the proof', { isRefused: true }, 100_001, 'lost'],
    ['waits for its first proof after a start', { provenAt: null, askingSince: 100_000 }, 100_100, 'wait'],
    [
      'stays open while a lease is being armed',
      { provenAt: null, askingSince: 100_000, wasOpenBefore: true },
      100_100,
      'free',
    ],
  ]
  for (const [name, facts, now, expected] of rows) {
    test(name, () => {
      const decision = decideLease({ ...base, ...facts }, now, limits)
      const until = decision.kind === 'held' ? ` until ${decision.untilBootMs}` : ''
      const release = decision.kind !== 'lost' && decision.isReleaseDue ? ', release due' : ''
      assert.equal(`${decision.kind}${until}${release}`, expected)
    })
  }
})

describe('PostgreSQL', () => {
  const now = 100_000
  const held = (leftMs: number): LeaseDecision => ({ kind: 'held', untilBootMs: now + leftMs, isReleaseDue: false })
  const rows: [string, LeaseDecision, boolean, boolean][] = [
    ['is opened where no lease applies', { kind: 'free', isReleaseDue: false }, false, true],
    ['is opened under a fresh lease', held(3_500), false, true],
    ['stays open until the lease ends', held(1), true, true],
    ['is not opened under the last bit of a lease, just after the guard has stopped it', held(300), false, false],
    ['is shut without proof', { kind: 'wait', isReleaseDue: true }, true, false],
    ['is shut when the other side refuses', { kind: 'lost' }, true, false],
  ]
  for (const [name, decision, isOpen, expected] of rows) {
    test(name, () => assert.equal(isOpenAllowed(decision, now, { isOpen, openLeaseMsMin: 2_000 }), expected))
  }
})

describe('a promotion', () => {
  const wait = { leaseMs: 4_000, marginMs: 200 }
  test('waits until the last proof given has run out', () => {
    const facts = { givenAt: 10_000, startedAt: 0, isOldPrimaryStopped: false }
    assert.equal(promotionWaitMs(facts, 11_000, wait), 3_200)
    assert.equal(promotionWaitMs(facts, 14_200, wait), 0)
  })
  test('assumes a proof just before its own start', () => {
    assert.equal(promotionWaitMs({ givenAt: null, startedAt: 5_000, isOldPrimaryStopped: false }, 5_000, wait), 4_200)
  })
  test('does not wait when the old primary confirmed its stop', () => {
    assert.equal(promotionWaitMs({ givenAt: 10_000, startedAt: 0, isOldPrimaryStopped: true }, 10_000, wait), 0)
  })
})
