import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decideElection, type ElectionFacts, lookAgainMs } from './election.ts'

const base: ElectionFacts = { me: 'a', myTerm: null, holder: 'b', term: 7, holderSilentMs: 400, isAlone: false }

describe('a control process', () => {
  const rows: [string, Partial<ElectionFacts>, ReturnType<typeof decideElection>][] = [
    ['stands by while the executor is heard', {}, 'stand_by'],
    ['stands by through a pause of two seconds', { holderSilentMs: 2_900 }, 'stand_by'],
    ['takes over from a silent executor', { holderSilentMs: 3_000 }, 'take'],
    ['takes over where nobody executes', { holder: null, holderSilentMs: null }, 'take'],
    ['takes over from one that was forgotten', { holderSilentMs: null }, 'take'],
    ['goes on under its own term', { holder: 'a', myTerm: 7, holderSilentMs: 9_000 }, 'keep'],
    ['takes a new term after an earlier process of its home', { holder: 'a', holderSilentMs: 100 }, 'take'],
    ['stands by when it was replaced while it was paused', { myTerm: 6 }, 'stand_by'],
    ['does not wait for anybody on a database of its own', { isAlone: true }, 'take'],
  ]
  for (const [name, given, wanted] of rows) {
    test(name, () => assert.equal(decideElection({ ...base, ...given }), wanted))
  }

  const looks: [string, number | null, number][] = [
    ['says every half second that it is there', 400, 500],
    ['looks again in the moment in which the executor has been silent for too long', 2_800.4, 200],
    ['does not look without a pause', 2_999, 50],
    ['looks on when somebody else took over', 3_500, 50],
    ['looks on while nobody executes', null, 500],
  ]
  for (const [name, holderSilentMs, wanted] of looks) {
    test(name, () => assert.equal(lookAgainMs({ holderSilentMs }), wanted))
  }
})
