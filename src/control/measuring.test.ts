// From the newest facts to numbers worth keeping.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayFacts, HostFacts, ServerFacts } from '../contract/facts.ts'
import { samplesOf } from './measuring.ts'

const primary = {
  name: 'sql-west-us',
  role: 'primary',
  state: 'running',
  standby: { isStreaming: true, flushLsn: '0/1', lagBytes: 10, lagMs: 20 },
  dataBytes: 30,
  disk: null,
} as unknown as ServerFacts
const host = { machine: 'west-us-1', servers: [primary, { ...primary, role: 'standby' }] } as unknown as HostFacts
const gateway = { machine: 'gateway-1', load: { busy: 0.5, turnedAway: 0 } } as unknown as GatewayFacts
const told = (samples: ReturnType<typeof samplesOf>) =>
  samples.map(({ kind, subject, measure, value }) => [kind, subject, measure, value])

test('of machines that are heard: their silence, their primaries, their load; what is not known is left out', () => {
  assert.deepEqual(told(samplesOf([{ facts: host, silentMs: 400 }], [{ facts: gateway, silentMs: 200 }])), [
    ['machine', 'west-us-1', 'silent_ms', 400],
    ['server', 'sql-west-us', 'standby_lag_ms', 20],
    ['server', 'sql-west-us', 'standby_lag_bytes', 10],
    ['server', 'sql-west-us', 'data_bytes', 30],
    ['machine', 'gateway-1', 'silent_ms', 200],
    ['machine', 'gateway-1', 'busy_ratio', 0.5],
  ])
})

test('of machines that are silent: their silence alone', () => {
  const found = told(samplesOf([{ facts: host, silentMs: 60_000 }], [{ facts: gateway, silentMs: 60_000 }]))
  assert.deepEqual(found, [
    ['machine', 'west-us-1', 'silent_ms', 60_000],
    ['machine', 'gateway-1', 'silent_ms', 60_000],
  ])
})
