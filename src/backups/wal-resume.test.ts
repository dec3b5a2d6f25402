import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineageOf } from '../databases/timeline.ts'
import { nameWal } from './object-names.ts'
import { decideResume, resumeAfterGap } from './wal-resume.ts'

const MB = 1_048_576n
const piece = (timeline: number, start: number, end: number) =>
  nameWal('sql', { timeline, start: BigInt(start) * MB, end: BigInt(end) * MB, to: new Date(0) })
const forks = (...mbs: number[]) => mbs.map((mb, index) => ({ parent: index + 1, fork: BigInt(mb) * MB }))

const CASES = [
  { name: 'an empty vault: at the segment that the slot holds', forks: [], pieces: [], slot: 35, goesOn: [1, 32, 32] },
  {
    name: 'inside a segment: that segment again, from its begin',
    forks: [],
    pieces: [piece(1, 32, 33), piece(1, 33, 36)],
    slot: 36,
    goesOn: [1, 32, 36],
  },
  {
    name: 'at the end of a segment: the next one',
    forks: [],
    pieces: [piece(1, 32, 48)],
    slot: 48,
    goesOn: [1, 48, 48],
  },
  {
    name: 'pieces that overlap: the furthest end',
    forks: [],
    pieces: [piece(1, 32, 48), piece(1, 32, 34)],
    slot: 32,
    goesOn: [1, 48, 48],
  },
  {
    name: 'after a promotion, nothing missing: the new timeline from the segment of the fork',
    forks: forks(50),
    pieces: [piece(1, 32, 48), piece(1, 48, 49)],
    slot: 51,
    goesOn: [2, 48, 48],
  },
  {
    name: 'after a promotion, all of the old segment there: the new timeline',
    forks: forks(50),
    pieces: [piece(1, 32, 64)],
    slot: 51,
    goesOn: [2, 48, 48],
  },
  {
    name: 'after a promotion, the old timeline behind: first the rest of it',
    forks: forks(50),
    pieces: [piece(1, 16, 20)],
    slot: 51,
    goesOn: [1, 16, 20],
  },
  {
    name: 'the new timeline begun: on from there',
    forks: forks(50),
    pieces: [piece(1, 32, 48), piece(2, 48, 52)],
    slot: 51,
    goesOn: [2, 48, 52],
  },
  {
    name: 'two forks in one segment: the last of them',
    forks: forks(50, 52),
    pieces: [piece(1, 32, 48)],
    slot: 53,
    goesOn: [3, 48, 48],
  },
  {
    name: 'an empty vault after a promotion: not before the fork',
    forks: forks(50),
    pieces: [],
    slot: 20,
    goesOn: [2, 48, 48],
  },
]

for (const { name, forks: history, pieces, slot, goesOn } of CASES) {
  test(`a receiver goes on, ${name}`, () => {
    const lineage = lineageOf(history.length + 1, history)
    const resume = decideResume(lineage, pieces, BigInt(slot) * MB)
    assert.deepEqual([resume.timeline, Number(resume.start / MB), Number(resume.stored / MB)], goesOn)
  })
}

test('after a gap it begins where the slot holds WAL from, not before the fork', () => {
  const lineage = lineageOf(2, forks(50))
  assert.equal(resumeAfterGap(lineage, 90n * MB).start, 80n * MB)
  assert.equal(resumeAfterGap(lineage, 10n * MB).start, 48n * MB)
})
