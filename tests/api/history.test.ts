// What was measured: told twice it counts once, it gets coarser with age without a loss, and ends in 90 days.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { pino } from 'pino'
import { SPANS, type Span } from '../../src/contract/span.ts'
import type { UsageMinute } from '../../src/contract/usage.ts'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { MeasureKeeper, readMeasures, thinMeasures } from '../../src/history/measures.ts'
import { noteUsage, readUsage, thinUsage } from '../../src/history/usage.ts'
import { Distinct } from '../../src/kit/distinct.ts'
import { noLatencies, noteLatency } from '../../src/kit/latencies.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
// On the edge of every period.
const BEGIN_MS = Date.parse('2026-03-14T00:00:00Z')
const SERVICE = { id: 'one', name: 'PrimaryService' }

let clusters: ControlClusters
let store: ControlStore

before(async () => {
  clusters = await startControlClusters({ hasStandby: false })
  store = await openControlStore({ home: '/nonexistent', url: clusters.url(), log: pino({ level: 'silent' }) })
  await sql
    .raw(
      `insert into regions (slug, name, reserved_units, shared_slots) values ('west-us', 'West US', 1, 1);
       insert into machines (name, role, domain) values ('west-us-1', 'host', 'West US');
       insert into servers (name, home_region, is_default, epoch, superuser_password, replication_password)
         values ('sql-west-us', 'west-us', true, 1, '', '');
       insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
           application_key, master_key, login_password)
         values ('one', 'default', 'PrimaryService', 'primaryservice', 'west-us', 'west-us-1', 'shared', 1, 2,
           'sql-west-us', 'ready', '', '', '')`,
    )
    .execute(store.db)
})
after(async () => {
  await store?.close()
  await clusters?.stop()
})
beforeEach(async () => {
  await store.db.deleteFrom('usage').execute()
  await store.db.deleteFrom('measures').execute()
})

function minuteAt(atMs: number, more: { requests?: number; devices?: string[]; service?: string } = {}): UsageMinute {
  const { requests = 1, devices = [], service = 'primaryservice' } = more
  const latencies = noLatencies()
  for (let one = 0; one < requests; one += 1) noteLatency(latencies, 10)
  const distinct = new Distinct()
  for (const device of devices) distinct.add(device)
  return {
    ...{
      service,
      minute: atMs / MINUTE_MS,
      requests,
      errors: requests > 1 ? 1 : 0,
      bytesOut: 100 * requests,
      latencies,
    },
    devices: devices.length === 0 ? null : Buffer.from(distinct.encode()).toString('base64'),
  }
}

const tell = async (minutes: UsageMinute[], nowMs: number, machine = 'gateway-1') =>
  await noteUsage(store.db, { machine, run: 'a', minutes }, nowMs)
const totalOver = async (over: Span, nowMs: number) => (await readUsage(store.db, SERVICE, { over, nowMs })).total
const periods = async (table: 'usage' | 'measures') => {
  const rows = await store.db.selectFrom(table).select('period_s').distinct().orderBy('period_s').execute()
  return rows.map(({ period_s }) => period_s)
}

describe('the requests of apps', () => {
  test('told again count once, told newer count anew, and two gateways count both', async () => {
    const nowMs = BEGIN_MS + 30_000
    await tell([minuteAt(BEGIN_MS, { requests: 2, devices: ['a'] })], nowMs)
    await tell([minuteAt(BEGIN_MS, { requests: 5, devices: ['a', 'b'] })], nowMs)
    // Sent before, and late.
    await tell([minuteAt(BEGIN_MS, { requests: 2, devices: ['a'] })], nowMs)
    await tell([minuteAt(BEGIN_MS, { requests: 3, devices: ['b', 'c'] })], nowMs, 'gateway-2')
    const { total, points } = await readUsage(store.db, SERVICE, { over: '1h', nowMs })
    assert.deepEqual([total.requests, total.errors, total.bytesOut, total.devices], [8, 2, 800, 3])
    assert.ok(total.medianMs !== null && total.medianMs > 8 && total.medianMs <= 12)
    assert.deepEqual([points.length, points.at(-1)?.requests, points[0]?.requests], [60, 8, 0])
  })

  test('of a service that there is not, of the far future, of long ago and of no sense are left out', async () => {
    const strange = [
      minuteAt(BEGIN_MS, { service: 'nobody' }),
      minuteAt(BEGIN_MS + DAY_MS),
      minuteAt(BEGIN_MS - 91 * DAY_MS),
      { ...minuteAt(BEGIN_MS), minute: Number.NaN },
      { ...minuteAt(BEGIN_MS), latencies: [1, 2, 3] },
      { ...minuteAt(BEGIN_MS), latencies: noLatencies().map(() => -1) },
      { ...minuteAt(BEGIN_MS), devices: 'AgIC' },
    ]
    await tell(strange, BEGIN_MS)
    assert.equal((await totalOver('90d', BEGIN_MS)).requests, 0)
    assert.deepEqual(await periods('usage'), [])
  })

  test('of a name that was taken anew in other letters count together', async () => {
    await tell([minuteAt(BEGIN_MS), minuteAt(BEGIN_MS, { service: 'PRIMARYSERVICE' })], BEGIN_MS)
    assert.equal((await totalOver('1h', BEGIN_MS)).requests, 2)
  })

  test('get coarser with age, and every span still tells all of it', async () => {
    const minutes = Array.from({ length: 180 }, (_, index) =>
      minuteAt(BEGIN_MS + index * MINUTE_MS, { requests: 2, devices: [`d${index % 5}`] }),
    )
    await tell(minutes, BEGIN_MS + 3 * HOUR_MS)
    const wanted = { requests: 360, errors: 180, devices: 5 }
    const rows: number[] = []
    for (const [ageMs, kept] of [
      [3 * HOUR_MS, [60, 300]],
      [30 * HOUR_MS, [3_600]],
      [9 * DAY_MS, [21_600]],
    ] as const) {
      const nowMs = BEGIN_MS + ageMs
      await thinUsage(store.db, nowMs)
      assert.deepEqual(await periods('usage'), kept)
      for (const over of SPANS) {
        const isReached = ageMs <= { '1h': 1, '6h': 6, '1d': 24, '7d': 168, '30d': 720, '90d': 2_160 }[over] * HOUR_MS
        if (!isReached) continue
        const { requests, errors, devices } = await totalOver(over, nowMs - 1)
        assert.deepEqual({ requests, errors, devices }, wanted, `${over} after ${ageMs} ms`)
      }
      rows.push((await store.db.selectFrom('usage').select('at').execute()).length)
    }
    assert.deepEqual(rows, [120 + 12, 3, 1])
    await thinUsage(store.db, BEGIN_MS + 91 * DAY_MS)
    assert.deepEqual(await periods('usage'), [])
  })

  test('that a gateway could not tell for hours come to what was thinned', async () => {
    await tell([minuteAt(BEGIN_MS, { devices: ['a'] })], BEGIN_MS)
    const laterMs = BEGIN_MS + 3 * HOUR_MS
    await thinUsage(store.db, laterMs)
    await tell([minuteAt(BEGIN_MS + MINUTE_MS, { devices: ['a', 'b'] })], laterMs, 'gateway-2')
    await thinUsage(store.db, laterMs)
    const { requests, devices } = await totalOver('6h', laterMs)
    assert.deepEqual([requests, devices, await periods('usage')], [2, 2, [300]])
  })
})

describe('how servers and machines stood', () => {
  const of = { kind: 'server', subject: 'sql-west-us' } as const

  test('is kept as mean, lowest and highest, whoever writes it down, and thinned to the same', async () => {
    const nowMs = BEGIN_MS + 30_000
    for (const values of [
      [10, 20],
      [90, 0],
    ]) {
      // Another executor has taken over in the middle of the minute.
      const keeper = new MeasureKeeper()
      for (const value of values) keeper.note([{ ...of, measure: 'standby_lag_ms', value }], nowMs)
      await keeper.write(store.db)
      await keeper.write(store.db)
    }
    const wanted = [{ at: new Date(BEGIN_MS).toISOString(), mean: 30, low: 0, high: 90 }]
    const read = async (over: Span, atMs: number) => (await readMeasures(store.db, of, { over, nowMs: atMs })).series
    assert.deepEqual(await read('1h', nowMs), [{ measure: 'standby_lag_ms', unit: 'ms', points: wanted }])
    for (const [ageMs, kept] of [
      [3 * HOUR_MS, [300]],
      [30 * HOUR_MS, [3_600]],
      [9 * DAY_MS, [21_600]],
    ] as const) {
      await thinMeasures(store.db, BEGIN_MS + ageMs)
      assert.deepEqual(await periods('measures'), kept)
      assert.deepEqual((await read('90d', BEGIN_MS + ageMs))[0]?.points, wanted)
    }
    await thinMeasures(store.db, BEGIN_MS + 91 * DAY_MS)
    assert.deepEqual(await read('90d', BEGIN_MS + 91 * DAY_MS), [])
  })

  test('of another one, or of nothing, is not shown', async () => {
    const keeper = new MeasureKeeper()
    keeper.note([{ kind: 'machine', subject: 'sql-west-us', measure: 'silent_ms', value: 1 }], BEGIN_MS)
    await keeper.write(store.db)
    assert.deepEqual((await readMeasures(store.db, of, { over: '1h', nowMs: BEGIN_MS })).series, [])
  })
})
