import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServerFacts } from '../contract/facts.ts'
import { nextStanding, type StandingFacts } from './standing.ts'

const facts = (given: Partial<ServerFacts>): ServerFacts => ({
  name: 'sql-west-us',
  version: 1,
  epoch: 1,
  role: 'primary',
  state: 'running',
  problem: null,
  lsn: '0/3000000',
  timeline: 1,
  forkLsn: null,
  lease: { kind: 'free', term: 0, ageMs: null },
  standby: { isStreaming: true, flushLsn: '0/3000000', lagBytes: 0, lagMs: 0 },
  lastContactMs: null,
  dataBytes: null,
  quarantine: null,
  schemas: [],
  ...given,
})
const standby = facts({ role: 'standby', standby: null })
const base: StandingFacts = { standing: 'streaming', term: 3, brokenMs: 0, primary: facts({}), standby, sync: null }
const held = { lease: { kind: 'held' as const, term: 3, ageMs: 10 } }

describe('a standby', () => {
  const rows: [string, Partial<StandingFacts>, string | null][] = [
    ['counts as streaming once it has caught up', { standing: 'building' }, 'streaming'],
    ['is armed under a new term when it streams', {}, 'arming, new term'],
    ['is armed again after a release, once caught up', { standing: 'released' }, 'arming, new term'],
    ['is not armed while it does not stream', { primary: facts({ standby: null }) }, null],
    [
      'is not armed while it is far behind',
      { primary: facts({ standby: { isStreaming: true, flushLsn: '0/1', lagBytes: 17 * 1_048_576, lagMs: 0 } }) },
      null,
    ],
    ['is not armed while its own host is silent', { standby: null }, null],
    ['is not ready before the primary holds proof', { standing: 'arming' }, null],
    [
      'is not ready on proof of an older term',
      { standing: 'arming', primary: facts({ lease: { kind: 'held', term: 2, ageMs: 10 } }) },
      null,
    ],
    [
      'is ready once the primary holds proof under its term',
      { standing: 'arming', primary: facts({ lease: { kind: 'held', term: 3, ageMs: 10 } }) },
      'ready',
    ],
    [
      'is not ready before commits wait for it, where they are to',
      { standing: 'arming', primary: facts(held), sync: { mayDegrade: true } },
      null,
    ],
    [
      'is ready once commits wait for it',
      { standing: 'arming', primary: facts({ ...held, isSynchronous: true }), sync: { mayDegrade: true } },
      'ready',
    ],
    [
      'is released sooner when commits wait for it',
      { standing: 'ready', brokenMs: 3_000, sync: { mayDegrade: true } },
      'released, new term',
    ],
    [
      'is never released where commits are to wait for it whatever comes',
      { standing: 'ready', brokenMs: 60_000, sync: { mayDegrade: false } },
      null,
    ],
    ['stays ready through a short break of its stream', { standing: 'ready', brokenMs: 9_000 }, null],
    ['is released when it has not followed for long', { standing: 'ready', brokenMs: 10_000 }, 'released, new term'],
    [
      'stays ready when nobody is heard: that is when it is needed',
      { standing: 'ready', primary: null, standby: null },
      null,
    ],
  ]
  for (const [name, given, expected] of rows) {
    test(name, () => {
      const change = nextStanding({ ...base, ...given })
      assert.equal(change && `${change.to}${change.isNewTerm ? ', new term' : ''}`, expected)
    })
  }
})
