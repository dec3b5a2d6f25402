// Synchronous protection: what was acknowledged is on the standby, whatever happens to the primary's region.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import type { DryRunView, ServerView, ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { loseRegion, requireRows, untilInForce } from '../support/lost-region.ts'
import { SteadyWriters } from '../support/steady-writers.ts'
import { testAlone } from '../support/turns.ts'

const SERVER = 'sql-west-us'
const PROTECT = ['sql', 'server', 'protect', SERVER]
const SOON = { withinMs: 60_000, everyMs: 50 }

describe('a server with a synchronous standby', () => {
  let cloud: TestCloud
  let service: ServiceView

  before(async () => {
    cloud = await TestCloud.start('pair')
    service = await cloud.service('PrimaryService')
  })
  after(async () => await cloud?.dispose())

  // Rows of one query to the server itself, in the region of that slug.
  const query = async <Row extends pg.QueryResultRow>(slug: string, text: string): Promise<Row[]> => {
    const client = await connectInside(cloud, slug, SERVER)
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }
  const syncStates = async (slug: string): Promise<string[]> => {
    const rows = await query<{ sync_state: string }>(slug, 'select sync_state from pg_stat_replication')
    return rows.map(({ sync_state }) => sync_state)
  }
  const startedAt = async (slug: string): Promise<string | undefined> =>
    (await query<{ at: string }>(slug, 'select pg_postmaster_start_time()::text as at'))[0]?.at

  testAlone('is made so while it serves, and says when it is in force', async () => {
    assert.match((await cloud.cli([...PROTECT, '--sync-policy', 'block'])).stderr, /for a synchronous standby only/)
    assert.match(
      (await cloud.cli([...PROTECT, '--protection', 'sync', '--sync-policy', 'x'])).stderr,
      /degrade or block/,
    )
    const writers = SteadyWriters.start(cloud, service, 3)
    await writers.untilWritten(10)
    const plan = await cloud.json<DryRunView>([...PROTECT, '--protection', 'sync', '--dry-run'])
    assert.match(plan.changes.join('\n'), /Every commit of sql-west-us waits for its standby, and go on/)
    const made = await cloud.json<ServerView>([...PROTECT, '--protection', 'sync'])
    assert.deepEqual([made.protection, made.syncPolicy, made.isProtected], ['sync', 'degrade', true])
    assert.deepEqual(await syncStates('west-us'), ['sync'])
    await writers.untilWritten(10)
    assert.deepEqual((await writers.stop()).failed, [])
  })

  testAlone(
    'goes on without a standby that is lost, once that is recorded, and waits for it again by itself',
    async () => {
      const writers = SteadyWriters.start(cloud, service, 3)
      await writers.untilWritten(10)
      await cloud.ok(['dev', 'outage', 'start', 'East US'])
      await untilInForce(cloud, SERVER, false)
      await writers.untilWritten(20)
      assert.deepEqual(await syncStates('west-us'), [])
      await cloud.ok(['dev', 'outage', 'stop', 'East US'])
      await untilInForce(cloud, SERVER)
      await writers.untilWritten(20)
      assert.deepEqual(await syncStates('west-us'), ['sync'])
      const { failed, acknowledged } = await writers.stop()
      assert.deepEqual(failed, [], 'a request failed for want of the standby')
      await requireRows(cloud, 'PrimaryService', acknowledged)
    },
  )

  test('starts again synchronous: no commit before that counts', async () => {
    const before = await startedAt('west-us')
    process.kill(cloud.rolePid('west-us'), 'SIGKILL')
    const isSync = async () => {
      const after = await startedAt('west-us').catch(() => before)
      if (after === before) return undefined
      const states = await syncStates('west-us').catch((): string[] => [])
      return states.includes('sync') ? true : undefined
    }
    await waitFor('commits to wait for the standby', isSync, SOON)
    await untilInForce(cloud, SERVER)
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
  })

  for (const how of ['killed', 'cut off'] as const) {
    test(`loses no acknowledged write when its region is ${how} under load`, async () => {
      const acknowledged = await loseRegion(cloud, { service: 'PrimaryService', how, rows: 100, writers: 6 })
      await cloud.ok(['mobile', 'failback', 'PrimaryService'])
      await requireRows(cloud, 'PrimaryService', acknowledged)
    })
  }

  test('stands still without its standby where that was asked for, and goes on when it is back', async () => {
    await cloud.untilProtected(SERVER)
    await cloud.ok([...PROTECT, '--protection', 'sync', '--sync-policy', 'block'])
    await untilInForce(cloud, SERVER)
    const writers = SteadyWriters.start(cloud, service, 2)
    await writers.untilWritten(10)
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    const member = (await cloud.server(SERVER)).members.find(({ role }) => role === 'standby')
    assert.equal(member?.standing, 'ready', 'the standby was given up')
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await cloud.untilState('PrimaryService', 'Ready', 60_000)
    await writers.untilWritten(10)
    const { acknowledged } = await writers.stop()
    await requireRows(cloud, 'PrimaryService', acknowledged)
  })
})
