// Whose backups are checked next: a day after the first of them, then every week, one after the other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckedServer, nextCheck } from './backup-checks.ts'

const NOW = Date.UTC(2026, 10, 26)
const ago = (days: number) => new Date(NOW - days * 86_400_000)
const server = (name: string, from: number | null, checked: number | null): CheckedServer => ({
  server: name,
  restorableFrom: from === null ? null : ago(from).toISOString(),
  checkedAt: checked === null ? null : ago(checked),
})

const cases: [string, CheckedServer[], string | null][] = [
  ['nobody is, where nothing can be restored', [server('a', null, null)], null],
  ['nobody is on the first day', [server('a', 0.5, null)], null],
  ['one that was never checked is after a day', [server('a', 1.5, null)], 'a'],
  ['one that was checked is not within a week', [server('a', 7, 6)], null],
  ['one that was checked is again after a week', [server('a', 7, 8)], 'a'],
  ['the one that has waited longest is first', [server('a', 2, null), server('b', 7, 9), server('c', 7, 8)], 'b'],
  ['one that cannot be restored any more is not', [server('a', null, 30)], null],
]
for (const [what, servers, expected] of cases) {
  test(`of backups, ${what}`, () => assert.equal(nextCheck(servers, NOW), expected))
}
