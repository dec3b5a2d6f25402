import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameWal, type WalPiece } from './object-names.ts'
import { followChain, joinRanges, sortPieces, standingOfWal, timelinesAfter } from './wal-chain.ts'

const MB = 1_048_576n
const SEGMENT = 16n * MB
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 25, 12, 0, seconds))
/** Megabytes, and the second at which the last of it came. */
const piece = (timeline: number, start: number, end: number, second = end): WalPiece =>
  nameWal('sql', { timeline, start: BigInt(start) * MB, end: BigInt(end) * MB, to: at(second) })

type Case = {
  name: string
  pieces: WalPiece[]
  from: [timeline: number, mb: number]
  to: number
  forks?: Record<number, [parent: number, mb: number][]>
  end: number
  taken: number
  isWhole: boolean
}

const CASES: Case[] = [
  { name: 'nothing', pieces: [], from: [1, 32], to: 1, end: 32, taken: 0, isWhole: true },
  {
    name: 'pieces that follow',
    pieces: [piece(1, 32, 33), piece(1, 33, 48)],
    from: [1, 33],
    to: 1,
    end: 48,
    taken: 2,
    isWhole: true,
  },
  {
    name: 'a gap ends it',
    pieces: [piece(1, 32, 33), piece(1, 34, 48)],
    from: [1, 33],
    to: 1,
    end: 33,
    taken: 1,
    isWhole: true,
  },
  {
    name: 'the whole segment instead of its pieces',
    pieces: [piece(1, 32, 33), piece(1, 33, 40), piece(1, 32, 48), piece(1, 48, 50)],
    from: [1, 32],
    to: 1,
    end: 50,
    taken: 2,
    isWhole: true,
  },
  {
    name: 'pieces where the whole one is missing',
    pieces: [piece(1, 32, 40), piece(1, 32, 36), piece(1, 36, 48)],
    from: [1, 32],
    to: 1,
    end: 48,
    taken: 2,
    isWhole: true,
  },
  {
    name: 'over a fork, from the border of its segment',
    pieces: [piece(1, 32, 48), piece(1, 48, 52), piece(2, 48, 60)],
    from: [1, 32],
    to: 2,
    forks: { 2: [[1, 50]] },
    end: 60,
    taken: 2,
    isWhole: true,
  },
  {
    name: 'not past the fork on the old timeline',
    pieces: [piece(1, 32, 48), piece(1, 48, 64)],
    from: [1, 32],
    to: 2,
    forks: { 2: [[1, 50]] },
    end: 48,
    taken: 1,
    isWhole: false,
  },
  {
    name: 'a gap before the fork',
    pieces: [piece(1, 32, 40), piece(2, 48, 60)],
    from: [1, 32],
    to: 2,
    forks: { 2: [[1, 50]] },
    end: 40,
    taken: 1,
    isWhole: false,
  },
  {
    name: 'a backup in the segment of the fork',
    pieces: [piece(2, 48, 60)],
    from: [1, 49],
    to: 2,
    forks: { 2: [[1, 50]] },
    end: 60,
    taken: 1,
    isWhole: true,
  },
  {
    name: 'two forks in one segment',
    pieces: [piece(1, 32, 48), piece(3, 48, 52)],
    from: [1, 32],
    to: 3,
    forks: {
      2: [[1, 50]],
      3: [
        [1, 50],
        [2, 51],
      ],
    },
    end: 52,
    taken: 2,
    isWhole: true,
  },
]

for (const { name, pieces, from, to, forks = {}, end, taken, isWhole } of CASES) {
  test(`a chain: ${name}`, () => {
    const histories = new Map(
      Object.entries(forks).map(([timeline, lines]) => [
        Number(timeline),
        lines.map(([parent, mb]) => ({ parent, fork: BigInt(mb) * MB })),
      ]),
    )
    const facts = { pieces: sortPieces(pieces), histories }
    const chain = followChain({ timeline: from[0], position: BigInt(from[1]) * MB }, to, facts)
    assert.deepEqual([chain.end, chain.pieces.length, chain.isWhole], [BigInt(end) * MB, taken, isWhole])
    // What is taken must follow on itself.
    for (const [index, one] of chain.pieces.entries()) {
      const before = chain.pieces[index - 1]
      assert.ok(!before || one.start <= before.end || one.timeline !== before.timeline)
    }
  })
}

test('WAL between two positions is there, still comes, or never will', () => {
  const table: [pieces: WalPiece[], standing: string][] = [
    [[], 'coming'],
    [[piece(2, 32, 48), piece(1, 16, 32)], 'coming'],
    [[piece(1, 32, 40)], 'coming'],
    [[piece(1, 32, 40), piece(1, 40, 47)], 'whole'],
    [[piece(1, 32, 40), piece(1, 41, 48)], 'missing'],
    [[piece(1, 48, 64)], 'missing'],
    [[piece(1, 32, 40), piece(2, 40, 48)], 'coming'],
  ]
  const wanted = { timeline: 1, start: 33n * MB, end: 47n * MB }
  for (const [pieces, standing] of table) assert.equal(standingOfWal(pieces, wanted), standing)
})

test('ranges end where something is missing', () => {
  const ranges = joinRanges([piece(2, 48, 60), piece(1, 32, 33), piece(1, 33, 48), piece(1, 36, 40), piece(1, 50, 51)])
  assert.deepEqual(
    ranges.map(({ timeline, start, end, to }) => [timeline, Number(start / MB), Number(end / MB), to.getUTCSeconds()]),
    [
      [1, 32, 48, 48],
      [1, 50, 51, 51],
      [2, 48, 60, 0],
    ],
  )
})

test('a backup rolls forward to a timeline only that was left after it', () => {
  const histories = new Map([
    [2, [{ parent: 1, fork: 3n * SEGMENT }]],
    [
      3,
      [
        { parent: 1, fork: 3n * SEGMENT },
        { parent: 2, fork: 5n * SEGMENT },
      ],
    ],
  ])
  assert.deepEqual(timelinesAfter(1, 2n * SEGMENT, histories), [1, 2, 3])
  assert.deepEqual(timelinesAfter(1, 4n * SEGMENT, histories), [1])
  assert.deepEqual(timelinesAfter(2, 4n * SEGMENT, histories), [2, 3])
})
