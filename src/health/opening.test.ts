import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideOpening, WELL } from './opening.ts'
import type { Verdict } from './verdict.ts'

const ready: Verdict = { state: 'Ready' }
const told = { message: 'it is down', evidence: ['its host says so'] }
const degraded: Verdict = { state: 'Degraded', cause: 'runtime_down', ...told }
const lost: Verdict = { state: 'Unhealthy', cause: 'region_unreachable', ...told }
const shut: Verdict = { state: 'Unhealthy', cause: 'database_unreachable', isMomentary: true, ...told }

// What is seen at which millisecond, and what is in force afterwards.
const rows: [string, [number, Verdict][], Verdict][] = [
  ['nothing wrong', [[0, ready]], ready],
  ['a lost region counts at once', [[0, lost]], lost],
  [
    'a server that is opened within 2 s was never down',
    [
      [0, shut],
      [1_900, shut],
      [2_100, ready],
    ],
    ready,
  ],
  [
    'a server that stays shut is down after 2 s',
    [
      [0, shut],
      [2_000, shut],
    ],
    shut,
  ],
  [
    'what one vantage point says counts after 2 s',
    [
      [0, degraded],
      [1_999, degraded],
    ],
    ready,
  ],
  [
    'two kinds of trouble that follow each other are one time of trouble',
    [
      [0, degraded],
      [1_000, shut],
      [2_000, shut],
    ],
    shut,
  ],
  [
    'a good moment begins the time anew',
    [
      [0, shut],
      [1_500, ready],
      [1_750, shut],
      [3_000, shut],
    ],
    ready,
  ],
  [
    'trouble is over when all was well for 3 s, longer than it takes to begin',
    [
      [0, lost],
      [100, ready],
      [3_000, ready],
      [3_100, ready],
    ],
    ready,
  ],
  [
    'and not before',
    [
      [0, lost],
      [100, ready],
      [3_099, ready],
    ],
    lost,
  ],
  [
    'a bad moment keeps it in force',
    [
      [0, lost],
      [100, ready],
      [1_500, lost],
      [3_200, ready],
    ],
    lost,
  ],
  [
    'trouble becomes less only after 3 s, too',
    [
      [0, lost],
      [100, degraded],
      [3_000, degraded],
    ],
    lost,
  ],
  [
    'another cause takes its place at once',
    [
      [0, lost],
      [100, shut],
    ],
    shut,
  ],
]

for (const [name, seen, expected] of rows) {
  test(name, () => {
    let watched = WELL
    for (const [now, fresh] of seen) watched = decideOpening(watched, fresh, now).watched
    assert.deepEqual(watched.verdict, expected)
  })
}

test('evidence of the same trouble is renewed, and no new incident begins', () => {
  const first = decideOpening(WELL, lost, 0)
  assert.equal(first.isOther, true)
  const later = { ...lost, evidence: ['control has had no answer for 9.0 s'] }
  const renewed = decideOpening(first.watched, later, 500)
  assert.deepEqual([renewed.isOther, renewed.watched.verdict], [false, later])
})
