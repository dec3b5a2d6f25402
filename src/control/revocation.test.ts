import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Holdings, refusalOf } from './revocation.ts'

const nothing: Holdings = { primaries: [], standbys: [], services: [] }
const pair = { name: 'Primary', secondary: 'Secondary' }
const alone = { name: 'Alone', secondary: null }

const ROWS: [what: string, holdings: Holdings, message: RegExp, hint: RegExp][] = [
  ['a primary without services', { ...nothing, primaries: ['sql-a'] }, /holds the primary of sql-a$/, /--force/],
  [
    'a service with a secondary',
    { ...nothing, services: [alone, pair] },
    /home of Alone, Primary/,
    /recover Primary Sec/,
  ],
  [
    'a service without one',
    { ...nothing, services: [alone] },
    /holds the home of Alone/,
    /create Alone-2 --secondary-for/,
  ],
  [
    'both',
    { ...nothing, primaries: ['sql-a', 'sql-b'], services: [pair] },
    /the primary of sql-a, sql-b and the home of Primary/,
    /recover Primary Secondary --force/,
  ],
]
for (const [what, holdings, message, hint] of ROWS) {
  test(`${what} stands against a revocation, with the command that moves it`, () => {
    const refusal = refusalOf('west-us-1', holdings)
    assert.equal(refusal?.code, 'machine.in_use')
    assert.match(refusal?.message ?? '', message)
    assert.match(refusal?.hint ?? '', hint)
  })
}

test('a standby does not stand against it: another machine takes its place', () => {
  assert.equal(refusalOf('west-us-1', { ...nothing, standbys: ['sql-a'] }), null)
})
