// A region that is only cut off: inside everything runs on, and its PostgreSQL must refuse writes before the standby is
// promoted. Looked at from inside, where nobody can be cut off from it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import type { ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'

/** When, in milliseconds of this process, a server inside a region last took a write, and when it first refused one. */
type Watch = { firstWriteAt?: number; lastWriteAt: number; firstRefusalAt: number | null; writes: number }

describe('a service whose region was cut off', () => {
  let cloud: TestCloud
  let primary: ServiceView
  let acknowledged: string[]
  const stop = new AbortController()
  const west: Watch = { lastWriteAt: 0, firstRefusalAt: null, writes: 0 }
  const east: Watch = { lastWriteAt: 0, firstRefusalAt: null, writes: 0 }
  let watching: Promise<unknown>

  before(async () => {
    cloud = await TestCloud.start('pair')
    primary = await cloud.service('PrimaryService')
    acknowledged = await cloud.insertRows(
      primary,
      Array.from({ length: 50 }, (_, index) => `row-${index}`),
    )
    const at = {
      west: await cloud.inside('west-us', 'sql-west-us'),
      east: await cloud.inside('east-us', 'sql-west-us'),
    }
    watching = Promise.all([watchWrites(at.west, west, stop.signal), watchWrites(at.east, east, stop.signal)])
    await waitFor('a write inside West US', () => (west.writes > 0 ? true : undefined), { withinMs: 5_000 })
  })
  after(async () => {
    stop.abort()
    await watching
    await cloud.dispose()
  })

  test('turns Unhealthy though nothing in the region stopped', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US', '--only', 'network'])
    assert.ok((await cloud.untilState('PrimaryService', 'Unhealthy', 10_000)) < 5_000)
    assert.ok(cloud.rolePid('west-us') > 0)
  })

  test('is recovered with every acknowledged row', async () => {
    const shown = await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.match(shown, /promoted: sql-west-us is now in East US/)
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged].sort())
    assert.deepEqual(await cloud.insertRows(primary, ['after']), ['after'])
  })

  test('was fenced inside the cut-off region before the standby took its first write', async () => {
    await waitFor('a write in East US', () => (east.writes > 0 ? true : undefined), { withinMs: 5_000 })
    assert.ok(west.firstRefusalAt !== null, 'West US never refused')
    assert.ok(west.lastWriteAt < (east.firstWriteAt ?? 0), 'both sides took writes at one time')
    assert.ok(west.firstRefusalAt < (east.firstWriteAt ?? 0), 'East US was promoted before West US refused')
  })

  test('stays fenced after the cut is healed: the returned side is quarantined and takes no write', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await waitFor(
      'the quarantine',
      async () => {
        const member = (await cloud.server('sql-west-us')).members.find((entry) => entry.region === 'West US')
        return member?.state === 'quarantined' && member.quarantine ? true : undefined
      },
      { withinMs: 20_000, everyMs: 100 },
    )
    assert.ok(west.lastWriteAt < (east.firstWriteAt ?? 0), 'the quarantined server took a write')
    assert.deepEqual(await cloud.insertRows(primary, ['later']), ['later'])
  })
})

// Asks for a transaction id every few milliseconds, as superuser: what a write needs and a standby refuses.
async function watchWrites(at: { host: string; password: string }, watch: Watch, signal: AbortSignal) {
  let client: pg.Client | null = null
  while (!signal.aborted) {
    try {
      if (!client) {
        client = new pg.Client({
          ...at,
          user: 'mainstay',
          database: 'postgres',
          connectionTimeoutMillis: 500,
          query_timeout: 500,
        })
        client.on('error', () => {})
        await client.connect()
      }
      await client.query('select pg_current_xact_id()')
      watch.lastWriteAt = performance.now()
      watch.firstWriteAt ??= watch.lastWriteAt
      watch.writes += 1
    } catch {
      if (watch.writes > 0) watch.firstRefusalAt ??= performance.now()
      await client?.end().catch(() => {})
      client = null
    }
    await pause(10, signal)
  }
  await client?.end().catch(() => {})
}
