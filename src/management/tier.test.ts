import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sizeOf, tierOf } from './tier.ts'

test('tiers are modes, in both dialects, and numbers may be texts', () => {
  assert.deepEqual(sizeOf({ tier: 'tier1', numberOfInstances: 1 }), { mode: 'shared', units: 1 })
  assert.deepEqual(sizeOf({ tier: 'tier2', numberOfInstances: '2' }), { mode: 'reserved', units: 2 })
  assert.deepEqual(sizeOf({ tier: 'Standard' }), { mode: 'reserved', units: 1 })
  assert.equal(tierOf('reserved', { isOlder: false }), 'tier3')
  assert.equal(tierOf('shared', { isOlder: true }), 'free')
})

test('what is no size is refused', () => {
  for (const settings of [
    {},
    { tier: 'tier9' },
    { tier: 'tier2', numberOfInstances: 'x' },
    { tier: 'tier1', numberOfInstances: 2 },
  ]) {
    assert.throws(() => sizeOf(settings), { code: 'service.bad_scale', status: 400 })
  }
})
