import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthView, RegionView, ServiceView } from '../../contract/api.ts'
import { cloudState } from './cloud-state.ts'

const health = (state: HealthView['state']): HealthView => ({
  ...{ state, cause: null, message: null, since: null, evidence: [], next: null },
})
const service = (name: string, state: HealthView['state']) => ({ name, health: health(state) }) as ServiceView
const region = (name: string, state: HealthView['state']) => ({ name, health: health(state) }) as RegionView

test('an Unhealthy service goes before a region that is Degraded', () => {
  const state = cloudState({ regions: [region('West US', 'Degraded')], services: [service('A', 'Unhealthy')] })
  assert.deepEqual(state, { state: 'Unhealthy', words: 'A is Unhealthy', href: '/services/A/recovery' })
})

test('many are counted, and lead to the list of them', () => {
  const services = [service('A', 'Unhealthy'), service('B', 'Unhealthy'), service('C', 'Ready')]
  const state = cloudState({ regions: [], services })
  assert.deepEqual(state, { state: 'Unhealthy', words: '2 services Unhealthy', href: '/services?state=Unhealthy' })
})

test('says that all is well', () => {
  assert.equal(cloudState({ regions: [], services: [service('A', 'Ready')] }).words, '1 service, all well')
  assert.equal(cloudState({ regions: [], services: [] }).words, 'No services yet')
})
