import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberRow, serverRow } from '../../tests/support/server-rows.ts'
import { choosePrimaryHost, chooseStandbyHost } from './server-place.ts'
import type { Member, ServerWithMembers } from './servers.ts'

const server = (name: string, ...members: [string, Member['role']][]): ServerWithMembers => ({
  ...serverRow({ name }),
  members: members.map(([machine, role]) => memberRow({ server: name, machine, role })),
})
const WEST = { name: 'west-us-1', domain: 'West US' }
const EAST_1 = { name: 'east-us-1', domain: 'East US' }
const EAST_2 = { name: 'east-us-2', domain: 'East US' }
const hosts = [WEST, EAST_1, EAST_2]
const one = server('sql-west-us', ['west-us-1', 'primary'])

test('takes the host of another region that carries the fewest servers', () => {
  const servers = [one, server('sql-east-us', ['east-us-1', 'primary'])]
  assert.equal(chooseStandbyHost(one, { hosts, reporting: hosts, servers }), 'east-us-2')
})

test('never takes a host of the same region, a silent one, or one that is a member already', () => {
  assert.equal(chooseStandbyHost(one, { hosts, reporting: [WEST], servers: [one] }), null)
  assert.equal(chooseStandbyHost(one, { hosts, reporting: [WEST, EAST_1], servers: [one] }), 'east-us-1')
  const kept = server('sql-west-us', ['west-us-1', 'primary'], ['east-us-1', 'quarantined'])
  assert.equal(chooseStandbyHost(kept, { hosts, reporting: [EAST_1], servers: [kept] }), null)
})

test('takes only the region that is named, and no host that still has to drop its copy', () => {
  const facts = { hosts, reporting: hosts, servers: [one] }
  assert.equal(chooseStandbyHost(one, { ...facts, excluded: ['east-us-1'] }), 'east-us-2')
  assert.equal(chooseStandbyHost(one, { ...facts, region: 'North Europe' }), null)
})

test('a primary goes to the host of its region that carries the fewest servers', () => {
  const servers = [one, server('sql-east-us', ['east-us-1', 'primary'])]
  assert.equal(choosePrimaryHost('East US', { reporting: hosts, servers }), 'east-us-2')
  assert.equal(choosePrimaryHost('North Europe', { reporting: hosts, servers }), null)
})
