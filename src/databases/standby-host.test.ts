import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Member, ServerWithMembers } from './servers.ts'
import { chooseStandbyHost } from './standby-host.ts'

const member = (server: string, machine: string, role: Member['role']): Member => ({
  server,
  machine,
  role,
  standing: null,
  lease_term: 0,
  slot: null,
  is_old_primary_stopped: false,
  fork_lsn: null,
})
const server = (name: string, ...members: [string, Member['role']][]): ServerWithMembers => ({
  name,
  home_region: 'west-us',
  is_default: true,
  epoch: '1',
  superuser_password: '',
  replication_password: '',
  is_initialized: true,
  created_at: new Date(0),
  members: members.map(([machine, role]) => member(name, machine, role)),
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
