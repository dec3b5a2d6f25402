import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthView, ServiceView } from '../../contract/api.ts'
import { exposureText, filterServices } from './service-list.ts'

const service = (name: string, state: HealthView['state'], more: Partial<ServiceView> = {}) =>
  ({ name, region: 'West US', server: 'sql-west-us', url: '', health: { state, cause: null }, ...more }) as ServiceView
const all = [
  service('b', 'Ready'),
  service('a', 'Ready', { region: 'East US', server: 'sql-east-us' }),
  service('c', 'Unhealthy'),
]
const names = (text: string, state = '') => filterServices(all, { text, state }).map(({ name }) => name)

test('what is wrong comes first, then the alphabet', () => {
  assert.deepEqual(names(''), ['c', 'a', 'b'])
})

test('finds by any word of the row, and by state', () => {
  assert.deepEqual(names('east'), ['a'])
  assert.deepEqual(names('WEST', 'Ready'), ['b'])
})

test('says what of the data stands in one place only', () => {
  const nowMs = Date.parse('2026-11-27T18:00:10Z')
  const restorableTo = '2026-11-27T18:00:00Z'
  const behind = { lagBytes: 10, lagMs: 2_400, lagTransactions: 1, restorableTo }
  assert.deepEqual(exposureText(behind, nowMs), { standby: '2.4 s behind', vault: 'to 10 s ago' })
  const bare = { lagBytes: null, lagMs: null, lagTransactions: null, restorableTo: null }
  assert.deepEqual(exposureText(bare, nowMs), { standby: 'no standby', vault: 'no backup' })
})
