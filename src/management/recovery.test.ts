import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RECOVERY_DONE_MS, RECOVERY_FENCE_MS } from '../kit/limits.ts'
import { decideCleanUp, type ToolRecovery } from './recovery.ts'

const NOW = 1_000_000_000

function decide(isLiving: boolean, state: ToolRecovery['state'] | null, ageMs = 0, isStandby = false): string {
  const recovery = state && { primary: 'PrimaryService', state, changedAtMs: NOW - ageMs }
  const decided = decideCleanUp({ isLiving, isStandby, recovery, nowMs: NOW })
  return decided.kind === 'refused' ? `${decided.fault.status} ${decided.fault.message}` : decided.kind
}

test('what is gone needs no clean-up, however the recovery went', () => {
  for (const state of ['running', 'done', 'failed', null] as const) assert.equal(decide(false, state), 'nothing')
})

test('a service that no recovery has touched is deleted as asked', () => {
  assert.equal(decide(true, null), 'delete')
})

test('while a recovery uses it, and for a while after one that failed, nothing deletes it', () => {
  assert.match(decide(true, 'running', 10 * RECOVERY_FENCE_MS), /^409 a recovery of 'PrimaryService' is using it/)
  assert.match(decide(true, 'failed', 1), /^409 .* has just failed; it is kept for \d+ minutes more/)
  assert.equal(decide(true, 'failed', RECOVERY_FENCE_MS), 'delete')
})

test('after one that succeeded a service of that name is another one, and is left alone for a while', () => {
  assert.equal(decide(true, 'done', 5_000), 'nothing')
  assert.equal(decide(true, 'done', RECOVERY_DONE_MS), 'delete')
})

test('what is a secondary again, after a migration, is left alone for as long as it is one', () => {
  assert.equal(decide(true, 'done', 5_000, true), 'nothing')
  assert.equal(decide(true, 'done', 100 * RECOVERY_DONE_MS, true), 'nothing')
  assert.equal(decide(true, 'failed', RECOVERY_FENCE_MS, true), 'delete')
  assert.equal(decide(true, null, 0, true), 'delete')
})
