// Conditions that a host waits for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeFacts } from './facts.ts'
import { type HostCondition, type HostStand, meets } from './host-condition.ts'

const runtime: RuntimeFacts = {
  ...{ name: 'shared', version: 7, state: 'running', processes: 1, restarts: 0, problem: null, sandbox: null },
  services: [{ name: 'Shop', epoch: 4 }],
}
const stand: HostStand = {
  servers: [{ name: 'sql-1', state: 'running', role: 'primary', epoch: 3, version: 8 }],
  runtimes: [runtime],
}
const server = { name: 'sql-1', state: 'running' } as const
const shop = { runtime: 'shared', service: 'Shop', epoch: 4, version: 7 }

const CASES: [string, HostCondition, boolean][] = [
  ['nothing', {}, true],
  ['its state', { server }, true],
  ['all of it', { server: { ...server, role: 'primary', epoch: 3, version: 8 }, served: [shop] }, true],
  ['another state', { server: { ...server, state: 'stopped' } }, false],
  ['another role', { server: { ...server, role: 'standby' } }, false],
  ['an older epoch', { server: { ...server, epoch: 2 } }, false],
  ['a later version', { server: { ...server, version: 9 } }, false],
  ['a server that is not there', { server: { ...server, name: 'sql-2' } }, false],
  ['a service under another epoch', { served: [{ ...shop, epoch: 5 }] }, false],
  ['a runtime that follows later', { served: [{ ...shop, version: 8 }] }, false],
  ['one service of two', { server, served: [shop, { ...shop, service: 'Other' }] }, false],
]

for (const [what, condition, isMet] of CASES) {
  test(`${what}: ${isMet ? 'met' : 'not met'}`, () => assert.equal(meets(stand, condition), isMet))
}
