import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerView, ServiceView } from '../../contract/api.ts'
import { lagLabel, pairRegions } from './pair-facts.ts'

const health = (state: string) => ({ state }) as ServiceView['health']
const service = (name: string, region: string, state = 'Ready') =>
  ({ name, region, serverRegion: region, health: health(state), mode: 'shared', units: 1 }) as ServiceView
const member = (role: string, region: string, more: object = {}) => ({
  ...{ role, region, state: 'running', standing: role === 'standby' ? 'ready' : null },
  ...{ lease: 'free', problem: null, lagBytes: null, lagMs: null, ...more },
})
const server = (...members: object[]) => ({ name: 'sql', kind: 'managed', members }) as unknown as ServerView

test('the home comes first, and every region has what it holds', () => {
  const map = pairRegions({
    service: service('A', 'West US', 'Unhealthy'),
    secondary: service('B', 'East US'),
    server: server(member('standby', 'East US'), member('primary', 'West US', { state: 'stopped' })),
    regions: [{ name: 'West US', health: health('Unhealthy') }],
  })
  assert.deepEqual(
    map.map(({ name, state, tiles }) => [name, state, ...tiles.map(({ kind, tone }) => `${kind} ${tone}`)].join(', ')),
    ['West US, Unhealthy, service bad, primary bad', 'East US, unknown, secondary good, standby good'],
  )
})

test('what was quarantined after a promotion is on the map', () => {
  const map = pairRegions({
    ...{ service: service('A', 'East US'), secondary: null, regions: [] },
    server: server(member('primary', 'East US'), member('quarantined', 'West US')),
  })
  assert.deepEqual(map[1]?.tiles[0]?.kind, 'quarantined')
})

test('says how far the standby is behind', () => {
  assert.equal(lagLabel(server(member('standby', 'East US', { lagBytes: 0, lagMs: 0 }))), 'in step')
  assert.equal(
    lagLabel(server(member('standby', 'East US', { lagBytes: 2_048, lagMs: 1_500 }))),
    '1.5 s, 2.0 KiB behind',
  )
  assert.equal(lagLabel(server(member('primary', 'East US'))), null)
})
