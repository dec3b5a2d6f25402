import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperationView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { recoveryLabel } from './recovery-lines.ts'
import { faultOf, watchOperation } from './watch.ts'

const OPERATION: OperationView = {
  id: 'op1',
  kind: 'recover',
  service: 'PrimaryService',
  server: null,
  state: 'running',
  revision: 1,
  principal: 'operator',
  steps: [],
  error: null,
  plan: null,
  report: null,
  next: null,
  startedAt: '2026-11-22T10:00:00.000Z',
  finishedAt: null,
}

test('watching asks for what is newer and ends with the operation', async () => {
  const asked: number[] = []
  const states: string[] = []
  const source = {
    watchOperation: async (_id: string, { after }: { after: number }) => {
      asked.push(after)
      return { ...OPERATION, revision: after + 1, state: after > 1 ? ('succeeded' as const) : ('running' as const) }
    },
  }
  const ended = await watchOperation(source, OPERATION, { onChange: (now) => states.push(now.state) })
  assert.deepEqual([ended.state, asked, states], ['succeeded', [1, 2], ['running', 'running', 'succeeded']])
})

test('a control that stays silent ends the watch with the news that the operation goes on', async () => {
  const source = {
    watchOperation: async (): Promise<OperationView> => {
      throw new Fault('control.silent', 503, 'control does not answer')
    },
  }
  await assert.rejects(watchOperation(source, OPERATION, { onChange: () => {}, retryMs: 0 }), {
    code: 'watch.unfinished',
    message: "control does not answer; the recover of 'PrimaryService' goes on without this command",
    hint: 'Look how it goes: mainstay mobile show PrimaryService',
  })
})

test('an operation that needs a person is a failure with the next command, and never a refusal', () => {
  const error = { code: 'recovery.verify_failed', message: 'table a is missing', hint: 'Wait.' }
  const fault = faultOf({ ...OPERATION, state: 'needs_you', error, next: 'mainstay mobile show PrimaryService' })
  assert.deepEqual([fault?.status, fault?.hint], [500, 'mainstay mobile show PrimaryService'])
  assert.equal(faultOf({ ...OPERATION, state: 'succeeded' }), null)
})

test('the label changes when the secondary is given up', () => {
  const step = (state: 'waiting' | 'running') => ({
    ...OPERATION,
    steps: [{ name: 'cleanup', sentence: '', state, attempts: 1, startedAt: null, ms: null, detail: null }],
  })
  assert.equal(recoveryLabel(step('waiting')), 'Performing recovery')
  assert.equal(recoveryLabel(step('running')), 'Cleaning up')
  assert.equal(recoveryLabel({ ...OPERATION, state: 'succeeded' }), 'Cleaning up')
})
