import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberRow, serverRow } from '../../tests/support/server-rows.ts'
import { chooseAttendant } from './external-servers.ts'

const WEST = ['west-1', 'west-2'].map((name) => ({ name, domain: 'West US' }))
const EAST = [{ name: 'east-1', domain: 'East US' }]

const lookedAfterBy = (machine: string) => ({
  ...serverRow({ name: 'orders', kind: 'external', home_region: 'west-us' }),
  members: [memberRow({ server: 'orders', machine, role: 'primary' })],
})

const cases: [string, string, { name: string; domain: string }[], string | null][] = [
  ['stays with who is well in its region', 'west-2', [...WEST, ...EAST], 'west-2'],
  ['goes to another of its region', 'west-1', [WEST[1] ?? EAST[0], ...EAST].flatMap((one) => one ?? []), 'west-2'],
  ['goes elsewhere when its region is lost', 'west-1', EAST, 'east-1'],
  ['stays elsewhere while its region is lost', 'east-1', EAST, 'east-1'],
  ['comes home when its region is back', 'east-1', [...EAST, ...WEST], 'west-1'],
  ['has nobody to go to', 'west-1', [], null],
]

for (const [what, machine, reporting, wanted] of cases) {
  test(`an external server ${what}`, () => {
    assert.equal(chooseAttendant(lookedAfterBy(machine), { region: 'West US', reporting }), wanted)
  })
}
