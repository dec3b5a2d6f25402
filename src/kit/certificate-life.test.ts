import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Renewal, renewalOf } from './certificate-life.ts'

const DAY_MS = 86_400_000
const MONTH = { fromMs: 0, untilMs: 30 * DAY_MS }
const SECONDS = { fromMs: 0, untilMs: 9_000 }

const ROWS: [what: string, life: typeof MONTH, nowMs: number, renewal: Renewal][] = [
  ['a new certificate is left alone', MONTH, DAY_MS, { kind: 'fresh', lookAgainMs: 60_000 }],
  ['the look comes when it is due', MONTH, 20 * DAY_MS - 5_000, { kind: 'fresh', lookAgainMs: 5_001 }],
  ['a third before its end it is due', MONTH, 20 * DAY_MS, { kind: 'due', lookAgainMs: 60_000 }],
  ['it stays due to its end', MONTH, 30 * DAY_MS - 1, { kind: 'due', lookAgainMs: 200 }],
  ['after its end it is too late', MONTH, 30 * DAY_MS, { kind: 'over', lookAgainMs: 60_000 }],
  ['a life of seconds is looked at in time', SECONDS, 5_900, { kind: 'fresh', lookAgainMs: 200 }],
  ['and tried again several times', SECONDS, 6_000, { kind: 'due', lookAgainMs: 301 }],
]
for (const [what, life, nowMs, renewal] of ROWS) {
  test(what, () => assert.deepEqual(renewalOf(life, nowMs), renewal))
}
