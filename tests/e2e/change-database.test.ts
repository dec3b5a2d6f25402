// Changing a service to another database: checked first, no request fails, apps that were offline see it, and undone.
import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, OperationView, RecoveryPlanView, ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { SteadyWriters } from '../support/steady-writers.ts'
import { testAlone } from '../support/turns.ts'

const SOON = { withinMs: 60_000, everyMs: 100 }
const CHANGE = ['mobile', 'change-database', 'Shop']

describe('a change of database', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let service: ServiceView
  let restored: string

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('empty', { env: points.env, hasVault: true })
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    service = await cloud.service('Shop')
    assert.equal((await cloud.insertRows(service, ['one', 'two'])).length, 2)
    await cloud.untilRestorable('sql-west-us')
    const moment = new Date().toISOString()
    await pause(20)
    assert.equal((await cloud.insertRows(service, ['three'])).length, 1)
    await cloud.untilRestorable('sql-west-us')
    await cloud.ok(['sql', 'restore', 'sql-west-us', '--to', moment, '--location', 'West US', '--name', 'before'])
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const serverOf = async () => (await cloud.service('Shop')).server
  // As an app that was offline does: from the newest that it has seen.
  const newestFirst = async () => {
    const query = '$orderby=__updatedAt desc&$top=1000&__systemProperties=*'
    const answer = await cloud.app(service, `/tables/TodoItem?${query}`)
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()) as { id: string; __updatedAt: string }[]
  }
  const changedSince = async (moment: string) =>
    (await newestFirst()).filter((row) => row.__updatedAt > moment).map(({ id }) => id)

  test('is refused where it makes no sense, and nothing is touched', async () => {
    await cloud.refuses([...CHANGE, 'nobody'], 2, /no server 'nobody'/)
    await cloud.refuses([...CHANGE, 'sql-west-us'], 3, /on sql-west-us already/)
    await cloud.refuses([...CHANGE, 'sql-east-us'], 3, /holds no data of 'Shop'[\s\S]*sql restore/)
    await cloud.refuses([...CHANGE, '--undo'], 2, /on no other database/)
    await cloud.refuses([...CHANGE, 'before', '--undo'], 2, /takes no server/)
    await cloud.refuses([...CHANGE, 'before', '--accept-loss', 'much'], 2, /a duration, none or any/)
    const behind = /before does not have all .*TodoItem: 2 row\(s\).* instead of 3 row[\s\S]*--accept-loss \d+s/
    await cloud.refuses([...CHANGE, 'before'], 3, behind)
    assert.equal(await serverOf(), 'sql-west-us')
    assert.deepEqual(await cloud.insertRows(service, ['four']), ['four'])
  })

  test('says what it comes to with --dry-run', async () => {
    const { changes } = await cloud.json<DryRunView>([...CHANGE, 'before', '--accept-loss', '1h', '--dry-run'])
    const text = changes.join('\n')
    assert.match(text, /Use before in West US .*, instead of sql-west-us[\s\S]*2 row\(s\).* instead of 4 row/)
    assert.match(text, /Keep what is on sql-west-us for a day; to go back: .*--undo/)
    assert.equal(await serverOf(), 'sql-west-us')
  })

  testAlone('under load: no request fails, and apps that were offline fetch everything again', async () => {
    const writers = SteadyWriters.start(cloud, service, 4)
    await writers.untilWritten(50)
    const lastSeen = (await newestFirst())[0]?.__updatedAt ?? ''
    const done = await cloud.json<OperationView>([...CHANGE, 'before', '--accept-loss', '1h'])
    await writers.untilWritten(50)
    const { failed, acknowledged } = await writers.stop()
    assert.deepEqual(failed, [])
    assert.match(done.steps.find(({ name }) => name === 'release')?.detail ?? '', /held for \d+ ms/)
    const ids = await cloud.readIds(service)
    assert.deepEqual([ids.includes('one'), ids.includes('three')], [true, false])
    assert.ok(ids.includes(acknowledged.at(-1) ?? ''), 'what was written after it is there')
    const fetched = await changedSince(lastSeen)
    assert.deepEqual(
      ['one', 'two'].filter((id) => !fetched.includes(id)),
      [],
    )
    const shown = await cloud.ok(['mobile', 'show', 'Shop'])
    assert.match(shown, /database +before, now in West US[\s\S]*former database +sql-west-us, kept until 20/)
    await cloud.refuses(['sql', 'server', 'delete', 'before'], 3, /holds the data of Shop/)
  })

  testAlone('is taken back with --undo, when what was written meanwhile may be left behind', async () => {
    await cloud.refuses([...CHANGE, '--undo'], 3, /sql-west-us does not have all[\s\S]*--accept-loss/)
    const writers = SteadyWriters.start(cloud, service, 2)
    await writers.untilWritten(10)
    await cloud.ok([...CHANGE, '--undo', '--accept-loss', 'any'])
    await writers.untilWritten(10)
    const { failed } = await writers.stop()
    assert.deepEqual(failed, [])
    const ids = await cloud.readIds(service)
    assert.deepEqual(
      ['one', 'two', 'three', 'four'].filter((id) => !ids.includes(id)),
      [],
    )
    await cloud.refuses(['sql', 'server', 'delete', 'before'], 3, /keeps the data of Shop/)
  })

  const crash = async (what: Crash, region: string) => {
    const from = await serverOf()
    const to = from === 'before' ? 'sql-west-us' : 'before'
    const change = [...CHANGE, to, '--accept-loss', 'any']
    const at = { ...what, region, server: to }
    const { isReached, result } = await crashDuring(cloud, points, at, async () => await cloud.cli(change))
    assert.ok(isReached, `${what.point} was not reached: ${result.stderr}`)
    const [operation] = await settle(cloud)
    await cloud.untilState('Shop', 'Ready', 30_000)
    assert.equal(await serverOf(), operation?.state === 'succeeded' ? to : from)
    assert.equal((await cloud.insertRows(service, [`after ${what.point}`])).length, 1)
    return operation
  }

  test('the death of control while requests are held puts all back, or finishes', async () => {
    await crash({ point: 'switchover.hold.held', victim: 'self' }, 'west-us')
  })

  test('the death of control just after it was decided is carried on', async () => {
    await crash({ point: 'switchover.swap.decided', victim: 'self' }, 'west-us')
  })

  test('the death of the host of both, just after it was decided, puts all back, or finishes', async () => {
    await crash({ point: 'switchover.swap.decided', victim: 'west-us' }, 'west-us')
  })

  // All is as it was: the service is recovered by the next command.
  const refusedForWantOfBackups = async (recover: string[]) => {
    const [there, aside] = ['servers/sql-west-us', 'aside'].map((name) => join(cloud.home, 'vault', name))
    await points.arm('host.restore.fetching', 'stop')
    const running = cloud.cli([...recover, '-q'])
    const pid = await waitFor('the point', async () => (await points.hitBy('host.restore.fetching')) ?? undefined, SOON)
    await rename(there ?? '', aside ?? '')
    await points.letGo(pid)
    const failed = await running
    await points.disarm()
    await rename(aside ?? '', there ?? '')
    assert.equal(failed.code, 1, failed.stderr)
    await cloud.untilState('Shop', 'Unhealthy', 30_000)
    assert.deepEqual([await serverOf(), (await cloud.service('Shop')).operation], ['sql-west-us', null])
    await cloud.refuses(['sql', 'server', 'show', 'sql-west-us-restored'], 2, /no server/)
  }

  // The new home dies, too, and stays dead: all is as it was, and the next command finds its way.
  const refusedForWantOfItsHost = async (recover: string[]) => {
    await points.arm('host.restore.fetching', 'stop')
    const running = cloud.cli([...recover, '-q'])
    await waitFor('the point', async () => (await points.hitBy('host.restore.fetching')) ?? undefined, SOON)
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    const failed = await running
    await points.disarm()
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stderr, /east-us-1, where it is restored, cannot be reached/)
    assert.deepEqual([await serverOf(), (await cloud.service('Shop')).operation], ['sql-west-us', null])
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await cloud.untilState('Spare', 'Ready', 60_000)
  }

  test('a recovery restores a database that is lost without a standby, through a crash, and says what that costs', async () => {
    if ((await serverOf()) !== 'sql-west-us') await cloud.ok([...CHANGE, '--undo', '--accept-loss', 'any'])
    await cloud.ok(['sql', 'server', 'protect', 'sql-west-us', '--protection', 'vault'])
    await cloud.ok(['mobile', 'create', 'Spare', '--location', 'East US', '--secondary-for', 'Shop'])
    await cloud.untilRestorable('sql-west-us')
    const ids = await cloud.readIds(service)
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('Shop', 'Unhealthy', 30_000)
    await cloud.refuses([...CHANGE, 'before', '--accept-loss', 'any'], 1, /cannot be reached/)
    const recover = ['mobile', 'recover', 'Shop', 'Spare']
    await cloud.refuses([...recover, '--database', 'keep', '-q'], 3, /cannot be reached, so it cannot be kept/)
    await cloud.refuses([...recover, '--database', 'promote', '-q'], 3, /it has no standby/)
    await cloud.refuses(
      [...recover, '--accept-loss', 'none', '-q'],
      3,
      /would lose more than the 0 s[\s\S]*--accept-loss \d+s/,
    )
    await cloud.refuses([...recover, '--database', 'keep', '--to', 'latest', '-q'], 2, /a moment is restored/)
    const plan = await cloud.json<RecoveryPlanView>([...recover, '--dry-run'])
    assert.deepEqual([plan.database.action, plan.steps.length], ['restore', 8])
    assert.match(plan.lossSentence, /at most \d+\.\d s of writes/)
    const set = ['mobile', 'config', 'set', 'Shop']
    assert.match(await cloud.ok([...set, 'recovery.lossMax', '0s']), /recovery.lossMax 0s/)
    await cloud.refuses([...recover, '-q'], 3, /more than the 0 s that are accepted/)
    await cloud.ok([...set, 'recovery.lossMax', '5m'])
    assert.match(await cloud.ok(['mobile', 'config', 'get', 'Shop', 'recovery.lossMax']), /^data: +5m$/m)
    await cloud.refuses([...set, 'recovery.lossMax', 'much'], 2, /takes a duration/)
    await cloud.refuses([...set, 'nothing', '1'], 2, /no setting 'nothing'/)
    await refusedForWantOfBackups(recover)
    await refusedForWantOfItsHost(recover)
    const at = {
      point: 'recover.database.restoring',
      victim: 'self' as const,
      region: 'east-us',
      server: 'sql-east-us',
    }
    const { isReached } = await crashDuring(cloud, points, at, async () => await cloud.cli([...recover, '-q']))
    assert.ok(isReached)
    const [operation] = await settle(cloud)
    assert.equal(operation?.state, 'succeeded')
    assert.match(
      operation?.report?.databaseSentence ?? '',
      /restored: sql-west-us-restored\S* in East US is sql-west-us as it was/,
    )
    await cloud.untilState('Shop', 'Ready', 30_000)
    const moved = await cloud.service('Shop')
    assert.deepEqual([moved.region, moved.serverRegion], ['East US', 'East US'])
    restored = moved.server
    assert.deepEqual(await cloud.readIds(service), ids)
    assert.match(await cloud.ok(['mobile', 'show', 'Shop']), /former database +sql-west-us, kept until you drop it/)
    assert.equal((await cloud.insertRows(service, ['in the east'])).length, 1)
  })

  test('what the lost server holds is shut when it is back, and may be gone back to', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await cloud.untilRegionsReady()
    const isBack = async () => ((await cloud.server('sql-west-us')).members[0]?.state === 'running' ? true : undefined)
    await waitFor('the lost server', isBack, SOON)
    assert.equal(await serverOf(), restored)
    const client = await connectInside(cloud, 'west-us', 'sql-west-us')
    const isShut = async () => {
      const logins = await client.query("select 1 from pg_roles where rolname like 'svc_%' and rolcanlogin")
      return logins.rowCount === 0 ? true : undefined
    }
    await waitFor('the old login to be shut out', isShut, SOON)
    await client.end()
    const { changes } = await cloud.json<DryRunView>([...CHANGE, '--undo', '--accept-loss', 'any', '--dry-run'])
    assert.match(
      changes.join('\n'),
      /Use sql-west-us in West US[\s\S]*Warning: it is not in East US.* \d+\.\d ms there and back/,
    )
  })

  test('a recovery to a moment before a mistake works where all is well, with --force', async () => {
    await cloud.untilRestorable(restored)
    const moment = new Date().toISOString()
    const ids = await cloud.readIds(service)
    await pause(20)
    assert.equal((await cloud.insertRows(service, ['a mistake'])).length, 1)
    await cloud.untilRestorable(restored)
    await cloud.ok(['mobile', 'create', 'Home', '--location', 'West US', '--secondary-for', 'Shop'])
    const recover = ['mobile', 'recover', 'Shop', 'Home', '--to', moment]
    await cloud.refuses([...recover, '-q'], 3, /Ready, not Unhealthy[\s\S]*--force/)
    assert.match(await cloud.ok([...recover, '--force', '-q']), /Recovery complete/)
    const moved = await cloud.service('Shop')
    assert.deepEqual([moved.region, moved.serverRegion], ['West US', 'West US'])
    assert.deepEqual(await cloud.readIds(service), ids)
    assert.match(await cloud.ok(['mobile', 'show', 'Shop']), /former database +sql-west-us-restored\S*, kept until 20/)
  })
})
