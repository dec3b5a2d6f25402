import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireKeptPromise, resized, unfitReason } from './fit.ts'

const SHARED = { mode: 'shared' as const, units: 1 }
const reserved = (units: number) => ({ mode: 'reserved' as const, units })

test('a secondary must have the same mode or a higher one, and for a reserved primary as many units', () => {
  assert.equal(unfitReason(SHARED, SHARED), null)
  assert.equal(unfitReason(SHARED, reserved(1)), null)
  assert.equal(unfitReason(reserved(1), SHARED), 'mode_too_low')
  assert.equal(unfitReason(reserved(2), reserved(1)), 'too_few_units')
  assert.equal(unfitReason(reserved(2), reserved(3)), null)
})

test('a change keeps what it does not name, and a new mode begins with one unit', () => {
  assert.deepEqual(resized(reserved(3), {}), reserved(3))
  assert.deepEqual(resized(reserved(3), { units: 2 }), reserved(2))
  assert.deepEqual(resized(reserved(3), { mode: 'shared' }), SHARED)
  assert.deepEqual(resized(SHARED, { mode: 'reserved' }), reserved(1))
  assert.throws(() => resized(SHARED, { units: 2 }), { code: 'service.bad_units' })
})

test('a primary is not scaled above its secondary, and the refusal names the command that makes room', () => {
  const partners = { primary: null, secondary: { name: 'Spare', ...reserved(1) } }
  assert.throws(() => requireKeptPromise({ name: 'Todo', ...reserved(2) }, partners), {
    code: 'scale.above_secondary',
    message: "'Todo' would be reserved with 2 units and its secondary 'Spare' is reserved with 1 unit",
    hint: 'Scale the secondary first: mainstay mobile scale change Spare --mode reserved --units 2',
  })
})

test('a secondary is not scaled below its primary', () => {
  const partners = { primary: { name: 'Todo', ...reserved(2) }, secondary: null }
  assert.throws(() => requireKeptPromise({ name: 'Spare', ...SHARED }, partners), {
    code: 'scale.below_primary',
    hint: 'Scale the primary first: mainstay mobile scale change Todo --mode shared',
  })
  requireKeptPromise({ name: 'Spare', ...reserved(4) }, partners)
})
