import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Machine, Region } from './regions.ts'
import { roomOf } from './room.ts'

const region: Region = {
  slug: 'west-us',
  name: 'West US',
  reserved_units: 4,
  shared_slots: 20,
  is_capacity_set: true,
  ordinal: 1,
}
const host = (name: string, given: Partial<Machine> = {}): Machine => ({
  name,
  role: 'host',
  domain: 'West US',
  address: '127.0.0.1',
  port: 1,
  public_url: null,
  joined_at: new Date(0),
  revoked_at: null,
  certificate_until: null,
  protocol: null,
  release: null,
  ...given,
})
const allReachable = { isReachable: () => true, offerOf: () => ({}) }

test('hosts share what was set for their region; those of others and revoked ones have no part in it', () => {
  const elsewhere = host('east-us-1', { domain: 'East US' })
  const revoked = host('west-us-2', { revoked_at: new Date(0) })
  const { offer } = roomOf(region, [host('west-us-1'), revoked, host('west-us-3'), elsewhere], allReachable)
  assert.deepEqual(
    [...offer.hosts].map(([name, own]) => [name, own.reservedUnits]),
    [
      ['west-us-1', 2],
      ['west-us-3', 2],
    ],
  )
  assert.deepEqual(offer.total, { reservedUnits: 4, sharedSlots: 20 })
})

test('a host that does not report offers nothing, and the others not more for that', () => {
  const now = { isReachable: (name: string) => name === 'west-us-1', offerOf: () => ({}) }
  const { offer } = roomOf(region, [host('west-us-1'), host('west-us-2')], now)
  assert.deepEqual(offer.total, { reservedUnits: 2, sharedSlots: 10 })
})

test('what a host says of itself counts, up to what was set', () => {
  const says = { isReachable: () => true, offerOf: () => ({ reservedUnits: 3, sharedSlots: 5 }) }
  const { offer } = roomOf(region, [host('west-us-1'), host('west-us-2')], says)
  assert.deepEqual(offer.total, { reservedUnits: 4, sharedSlots: 10 })
  assert.deepEqual(offer.hosts.get('west-us-2'), { reservedUnits: 3, sharedSlots: 5 })
})
