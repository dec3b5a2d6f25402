import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseWritable, type FoundHost, hostFactsOf } from './external-hosts.ts'

const host = (name: string, finding: FoundHost['finding']): FoundHost => ({ at: { host: name, port: 5432 }, finding })
const writable = (timeline: number): FoundHost['finding'] => ({ kind: 'writable', timeline, version: '16.4' })
const STANDBY: FoundHost['finding'] = { kind: 'read_only', version: '16.4' }
const DEAD: FoundHost['finding'] = { kind: 'failed', error: new Error('connect ECONNREFUSED') }

const cases: [string, FoundHost[], string | null][] = [
  ['the only one', [host('a', writable(1))], 'a'],
  ['the one that is no standby', [host('a', STANDBY), host('b', writable(2))], 'b'],
  ['the one that is there', [host('a', DEAD), host('b', writable(2))], 'b'],
  ['none, where all are standbys', [host('a', STANDBY), host('b', STANDBY)], null],
  ['none, where all are away', [host('a', DEAD)], null],
  ['none, where it is too old', [host('a', { kind: 'too_old', version: '13.1' })], null],
  ['who was promoted after another that still takes writes', [host('a', writable(4)), host('b', writable(5))], 'b'],
  ['the first of two on one timeline', [host('a', writable(4)), host('b', writable(4))], 'a'],
]

for (const [what, found, wanted] of cases) {
  test(`writes go to ${what}`, () => assert.equal(chooseWritable(found)?.at.host ?? null, wanted))
}

test('what was found is told', () => {
  const told = [host('a', STANDBY), host('::1', DEAD), host('b', { kind: 'too_old', version: '13.1' })].map(hostFactsOf)
  assert.deepEqual(told, [
    { place: 'a:5432', state: 'read_only', problem: null },
    { place: '[::1]:5432', state: 'unreachable', problem: 'connect ECONNREFUSED' },
    { place: 'b:5432', state: 'too_old', problem: 'it is PostgreSQL 13.1, and 15 or newer is needed' },
  ])
})
