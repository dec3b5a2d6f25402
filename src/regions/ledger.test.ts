import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Holding, requireRoom, usageOf } from './ledger.ts'

const one = (given: Partial<Holding>): Holding => ({
  id: 'a',
  region: 'west-us',
  mode: 'reserved',
  units: 2,
  operationId: null,
  isRecovering: false,
  ...given,
})
const region = { name: 'West US', slug: 'west-us', capacity: { reservedUnits: 4, sharedSlots: 20 } }

test('counts units of reserved services and slots of shared ones, per region', () => {
  const holdings = [one({}), one({ id: 'b', mode: 'shared', units: 1 }), one({ id: 'c', region: 'east-us' })]
  assert.deepEqual(usageOf('west-us', holdings), { reservedUnits: 2, sharedSlots: 1 })
})

test('counts a recovering service once: it stands on the capacity of the secondary that its operation claimed', () => {
  const claimed = [one({ id: 'p', operationId: 'o', isRecovering: true }), one({ id: 's', operationId: 'o', units: 3 })]
  assert.deepEqual(usageOf('west-us', claimed), { reservedUnits: 3, sharedSlots: 0 })
})

test('refuses what does not fit and names the command that would make room', () => {
  assert.throws(() => requireRoom(region, [one({})], { mode: 'reserved', units: 3 }), {
    code: 'capacity.exceeded',
    message: 'West US has 2 reserved units free and 3 are needed',
    hint: 'Choose another region, or raise its capacity: mainstay region set "West US" --reserved-units 5',
  })
})

test('whatever is admitted one by one never exceeds the capacity', () => {
  const wanted = fc.record({
    mode: fc.constantFrom<'shared' | 'reserved'>('shared', 'reserved'),
    units: fc.integer({ min: 1, max: 4 }),
  })
  fc.assert(
    fc.property(fc.array(wanted, { maxLength: 40 }), (requests) => {
      const holdings: Holding[] = []
      for (const [index, request] of requests.entries()) {
        try {
          requireRoom(region, holdings, request)
          holdings.push(one({ ...request, id: String(index) }))
        } catch {}
      }
      const usage = usageOf('west-us', holdings)
      assert.ok(usage.reservedUnits <= 4 && usage.sharedSlots <= 20)
    }),
  )
})
