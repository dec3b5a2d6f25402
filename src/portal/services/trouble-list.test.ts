import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthView, RegionView, ServiceView } from '../../contract/api.ts'
import { listTroubles } from './trouble-list.ts'

const health = (state: HealthView['state'], since: string | null = null) => ({ state, since }) as HealthView
const region = (name: string, state: HealthView['state']) => ({ name, health: health(state) }) as RegionView
const service = (name: string, state: HealthView['state'], since?: string) =>
  ({ name, region: 'West US', secondary: null, health: health(state, since ?? null) }) as ServiceView

test('a lost region stands before its services, and what is only Degraded after them', () => {
  const troubles = listTroubles({
    regions: [region('East US', 'Degraded'), region('West US', 'Unhealthy')],
    services: [
      service('late', 'Unhealthy', '2026-11-27T18:00:02Z'),
      service('early', 'Unhealthy', '2026-11-27T18:00:01Z'),
    ],
  })
  assert.deepEqual(
    troubles.map(({ name }) => name),
    ['West US', 'early', 'late', 'East US'],
  )
  assert.equal(troubles[0]?.services, 2)
})

test('what is Ready, starts or was stopped is no trouble', () => {
  const services = [service('a', 'Ready'), service('b', 'Starting'), service('c', 'Stopped')]
  assert.deepEqual(listTroubles({ regions: [region('West US', 'Ready')], services }), [])
})
