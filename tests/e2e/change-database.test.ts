// Changing a service to another database: checked first, no request fails, apps that were offline see it, and undone.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, OperationView, ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { SteadyWriters } from '../support/steady-writers.ts'

const SOON = { withinMs: 60_000, everyMs: 100 }
const CHANGE = ['mobile', 'change-database', 'Shop']

describe('a change of database', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let service: ServiceView

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.prepare()
    cloud.env = { ...points.env, MAINSTAY_VAULT: join(cloud.home, 'vault') }
    await cloud.up()
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    service = await cloud.service('Shop')
    assert.equal((await cloud.insertRows(service, ['one', 'two'])).length, 2)
    await untilKept(Date.now())
    const moment = new Date().toISOString()
    await pause(20)
    assert.equal((await cloud.insertRows(service, ['three'])).length, 1)
    await untilKept(Date.now())
    await cloud.ok(['sql', 'restore', 'sql-west-us', '--to', moment, '--location', 'West US', '--name', 'before'])
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const untilKept = async (since: number) => {
    const isKept = async () => {
      const to = (await cloud.server('sql-west-us')).backup?.restorableTo
      return to && Date.parse(to) > since ? true : undefined
    }
    await waitFor('what was written to be restorable', isKept, SOON)
  }
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

  test('under load: no request fails, and apps that were offline fetch everything again', async () => {
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

  test('is taken back with --undo, when what was written meanwhile may be left behind', async () => {
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
    const { isReached } = await crashDuring(cloud, points, at, async () => await cloud.cli(change))
    assert.ok(isReached, `${what.point} was not reached`)
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
})
