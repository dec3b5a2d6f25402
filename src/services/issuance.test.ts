import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ISSUE_AGAIN_MS_MAX, ISSUE_AGAIN_MS_MIN } from '../kit/limits.ts'
import { isIssueDue, issueAgainInMs } from './issuance.ts'

test('a first certificate is asked for at once, and another try when it is time for it', () => {
  const nowMs = Date.now()
  const rows: [string, Date | null, boolean][] = [
    ['a first one', null, true],
    ['a try that is due', new Date(nowMs), true],
    ['a try that is not', new Date(nowMs + 1), false],
  ]
  for (const [what, dueAt, expected] of rows) assert.equal(isIssueDue({ chain: null, dueAt }, nowMs), expected, what)
})

test('each failure makes the next try wait twice as long, up to a day', () => {
  assert.equal(issueAgainInMs(1), ISSUE_AGAIN_MS_MIN)
  assert.equal(issueAgainInMs(2), 2 * ISSUE_AGAIN_MS_MIN)
  assert.equal(issueAgainInMs(4), 8 * ISSUE_AGAIN_MS_MIN)
  assert.equal(issueAgainInMs(1_000), ISSUE_AGAIN_MS_MAX)
})
