import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DASHBOARD_DAYS } from '../kit/limits.ts'
import { type IncidentFacts, makeStatusPage, type PublicFacts } from './public-status.ts'

const DAY_MS = 86_400_000
const now = new Date('2026-11-27T12:00:00Z')
const ago = (ms: number) => new Date(now.getTime() - ms)
const MINUTE_MS = 60_000

let next = 0
const incident = (from: number, to: number | null, more: Partial<IncidentFacts> = {}): IncidentFacts => {
  next += 1
  return {
    id: `i${next}`,
    area: 'West US',
    state: 'Unhealthy',
    cause: 'region_unreachable',
    service: null,
    isSecondary: false,
    openedAt: ago(from),
    closedAt: to === null ? null : ago(to),
    ...more,
  }
}

const page = (incidents: IncidentFacts[], more: Partial<PublicFacts> = {}) =>
  makeStatusPage({
    now,
    since: ago(400 * DAY_MS),
    places: [
      { area: 'West US', component: 'compute' },
      { area: 'West US', component: 'database' },
      { area: 'East US', component: 'compute' },
    ],
    incidents,
    posts: [],
    areNamesShown: false,
    ...more,
  })

test('where nothing was wrong every row works, and nothing is advised', () => {
  const { rows, incidents, advice, since } = page([])
  assert.deepEqual([rows.map(({ state }) => state), incidents, advice], [['Ready', 'Ready', 'Ready'], [], []])
  assert.equal(since, new Date(now.getTime() - (DASHBOARD_DAYS - 1) * DAY_MS).toISOString().slice(0, 10))
  assert.equal(page([], { since: ago(DAY_MS) }).since, '2026-11-26')
})

test('a region that is lost is one incident with all its services, of both its components', () => {
  const found = page([
    incident(10_000, null),
    incident(9_000, null, { service: 'Shop' }),
    incident(8_000, null, { service: 'Blog' }),
  ])
  assert.deepEqual(
    found.rows.map(({ area, component, state }) => [area, component, state]),
    [
      ['West US', 'compute', 'Unhealthy'],
      ['West US', 'database', 'Unhealthy'],
      ['East US', 'compute', 'Ready'],
    ],
  )
  const [one, ...others] = found.incidents
  assert.equal(others.length, 0)
  assert.deepEqual(one?.services, { count: 2, names: null })
  assert.deepEqual(one?.updates, [{ at: ago(10_000).toISOString(), text: 'The region cannot be reached.' }])
  assert.deepEqual(found.advice, [{ area: 'West US', services: { count: 2, names: null } }])
})

test('names are shown where that is wanted', () => {
  const found = page([incident(9_000, null, { service: 'Shop' })], { areNamesShown: true })
  assert.deepEqual(found.advice, [{ area: 'West US', services: { count: 1, names: ['Shop'] } }])
})

test('what is over says so, and what came soon after it is the same incident', () => {
  const found = page([
    incident(60 * MINUTE_MS, 50 * MINUTE_MS, { state: 'Degraded', cause: 'runtime_down', service: 'Shop' }),
    incident(49.5 * MINUTE_MS, 40 * MINUTE_MS, { cause: 'runtime_crash_loop', service: 'Shop' }),
    incident(30 * MINUTE_MS, 20 * MINUTE_MS, { cause: 'runtime_down', service: 'Shop' }),
  ])
  assert.equal(found.incidents.length, 2)
  const older = found.incidents[1]
  assert.deepEqual([older?.state, older?.closedAt], ['Unhealthy', ago(40 * MINUTE_MS).toISOString()])
  assert.deepEqual(
    older?.updates.map(({ text }) => text),
    [
      'Requests of apps are not answered as they should be.',
      'What answers requests of apps ends again and again.',
      'All is well again.',
    ],
  )
  assert.deepEqual(found.advice, [])
})

test('a day counts the minutes that it was down, each once, also over midnight', () => {
  const found = page([
    incident(13 * 60 * MINUTE_MS, 11 * 60 * MINUTE_MS),
    incident(12.5 * 60 * MINUTE_MS, 11.5 * 60 * MINUTE_MS, { service: 'Shop' }),
    incident(2 * DAY_MS, 2 * DAY_MS - MINUTE_MS, { state: 'Degraded', cause: 'capacity_short' }),
  ])
  assert.deepEqual(found.rows[0]?.days, [
    { day: '2026-11-25', worst: 'Degraded', downMinutes: 0 },
    { day: '2026-11-26', worst: 'Unhealthy', downMinutes: 60 },
    { day: '2026-11-27', worst: 'Unhealthy', downMinutes: 60 },
  ])
})

test("a service's own trouble, and what has no place, is nobody else's business", () => {
  const found = page([
    incident(9_000, null, { cause: 'scripts_failing', service: 'Shop' }),
    incident(9_000, null, { area: null }),
  ])
  assert.deepEqual([found.incidents, found.rows.map(({ state }) => state)], [[], ['Ready', 'Ready', 'Ready']])
})

test('a service that stands by for another is told, and not to be recovered', () => {
  const found = page([incident(9_000, null, { service: 'Shop-2', isSecondary: true })])
  assert.deepEqual([found.incidents[0]?.services.count, found.advice], [1, []])
})

test('a full disk is no reason to go elsewhere', () => {
  assert.deepEqual(page([incident(9_000, null, { cause: 'database_full', service: 'Shop' })]).advice, [])
})
