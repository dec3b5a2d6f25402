import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf } from './incident-place.ts'

test('leads to the page that has more of it', () => {
  assert.equal(placeOf({ kind: 'service', subject: 'A' }), '/services/A/recovery')
  assert.equal(placeOf({ kind: 'vault', subject: 'sql-west-us' }), '/databases/sql-west-us')
  assert.equal(placeOf({ kind: 'region', subject: 'West US' }), '/regions')
  assert.equal(placeOf({ kind: 'certificate', subject: 'west-us-1' }), null)
})
