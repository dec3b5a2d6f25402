// Planned moves: primary and standby change roles under load and no request fails; crashes are carried on.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, OperationView, ServerView, ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { SteadyWriters } from '../support/steady-writers.ts'
import { testAlone } from '../support/turns.ts'

const MOVE = ['sql', 'server', 'switchover', 'sql-west-us']

describe('a planned move of a server', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let service: ServiceView

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('pair', { env: points.env })
    service = await cloud.service('PrimaryService')
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const server = async () => await cloud.server('sql-west-us')
  const primaryRegion = ({ region }: ServerView) => region
  const crash = async (what: Crash, region: string) => {
    const at = { ...what, region, server: 'sql-west-us' }
    const { isReached, result } = await crashDuring(cloud, points, at, async () => await cloud.cli(MOVE))
    assert.ok(isReached, `${what.point} was not reached: ${result.stderr}`)
    const [operation] = await settle(cloud)
    return operation
  }
  // Whatever a crash left behind: one primary that takes writes, a standby that may be promoted, and every row.
  const isWhole = async (writers: SteadyWriters) => {
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
    await cloud.untilProtected('sql-west-us')
    const { acknowledged } = await writers.stop()
    // What died may be found dead only now, when it is about to be back.
    const read = async () => await cloud.readIds(await cloud.service('PrimaryService')).catch(() => undefined)
    const there = new Set(await waitFor('the rows', read, { withinMs: 30_000, everyMs: 100 }))
    assert.deepEqual(
      acknowledged.filter((id) => !there.has(id)),
      [],
      'acknowledged rows are missing',
    )
  }

  test('says what it would do, and does nothing with --dry-run', async () => {
    const { changes } = await cloud.json<DryRunView>([...MOVE, '--dry-run'])
    assert.match(changes.join('\n'), /from West US to East US[\s\S]*Hold the requests of PrimaryService/)
    assert.equal(primaryRegion(await server()), 'West US')
  })

  testAlone('there and back under load: no request fails, no write is lost, and nothing goes backwards', async () => {
    const writers = SteadyWriters.start(cloud, service, 4)
    await writers.untilWritten(50)
    const there = await cloud.json<OperationView>(MOVE)
    await writers.untilWritten(50)
    const moved = await server()
    assert.deepEqual([primaryRegion(moved), moved.isProtected], ['East US', true])
    const back = await cloud.json<OperationView>(MOVE)
    await writers.untilWritten(50)
    const { acknowledged, failed } = await writers.stop()
    assert.deepEqual(failed, [])
    assert.equal(primaryRegion(await server()), 'West US')
    const held = [there, back].map(({ steps }) => steps.find(({ name }) => name === 'release')?.detail)
    for (const detail of held) assert.match(detail ?? '', /held for \d+ ms/)
    assert.deepEqual((await cloud.readIds(service)).sort(), [...acknowledged].sort())
    await writers.requireOrder()
  })

  test('the death of control while requests are held puts all back, or finishes', async () => {
    const writers = SteadyWriters.start(cloud, service, 2)
    await crash({ point: 'switchover.hold.held', victim: 'self' }, 'west-us')
    await isWhole(writers)
  })

  test('the death of the host that has just stopped its primary puts all back, or finishes', async () => {
    const writers = SteadyWriters.start(cloud, service, 2)
    await crash({ point: 'host.stop.stopped', victim: 'self' }, 'west-us')
    await isWhole(writers)
  })

  test('the death of the host that takes over, just after that was decided, is waited for', async () => {
    const writers = SteadyWriters.start(cloud, service, 2)
    const to = primaryRegion(await server()) === 'West US' ? 'east-us' : 'west-us'
    const operation = await crash({ point: 'switchover.swap.decided', victim: to }, to)
    assert.equal(operation?.state, 'succeeded')
    await isWhole(writers)
  })

  testAlone('a mobile service moves there and back with its server, and its secondary the other way', async () => {
    if (primaryRegion(await server()) === 'East US') await cloud.ok(MOVE)
    await cloud.untilProtected('sql-west-us')
    const move = ['mobile', 'switchover', 'PrimaryService']
    const { changes } = await cloud.json<DryRunView>([...move, '--dry-run'])
    assert.match(changes.join('\n'), /from West US to East US[\s\S]*'SecondaryService' stands in West US then/)
    const writers = SteadyWriters.start(cloud, service, 4)
    await writers.untilWritten(50)
    const secondary = await cloud.service('SecondaryService')
    for (const [here, there] of [
      ['East US', 'West US'],
      ['West US', 'East US'],
    ] as const) {
      await cloud.ok(move)
      await writers.untilWritten(50)
      const [moved, other] = [await cloud.service('PrimaryService'), await cloud.service('SecondaryService')]
      assert.deepEqual([moved.region, moved.serverRegion, moved.secondary], [here, here, 'SecondaryService'])
      assert.deepEqual([other.region, other.serverRegion, other.secondaryFor], [there, there, 'PrimaryService'])
      assert.deepEqual([other.masterKey, other.applicationKey], [secondary.masterKey, secondary.applicationKey])
      assert.equal((await server()).isProtected, true)
      await cloud.untilVerified('PrimaryService')
    }
    const { failed, acknowledged } = await writers.stop()
    assert.deepEqual(failed, [])
    const there = new Set(await cloud.readIds(service))
    assert.deepEqual(
      acknowledged.filter((id) => !there.has(id)),
      [],
    )
    await cloud.untilState('SecondaryService', 'Ready', 10_000)
    const { regions } = await cloud.status()
    assert.deepEqual(
      regions.map(({ sharedSlotsUsed }) => sharedSlotsUsed),
      [1, 1],
    )
  })

  test('a death of control in such a move is carried on, or all is as it was', async () => {
    const writers = SteadyWriters.start(cloud, service, 2)
    for (const point of ['switchover.warm.added', 'switchover.swap.decided', 'switchover.secondary.moved']) {
      await cloud.untilProtected('sql-west-us')
      const before = (await cloud.service('PrimaryService')).region
      const command = async () => await cloud.cli(['mobile', 'switchover', 'PrimaryService'])
      const crashed = { point, victim: 'self' as const, region: 'west-us', server: 'sql-west-us' }
      const { isReached, result } = await crashDuring(cloud, points, crashed, command)
      assert.ok(isReached, `${point} was not reached: ${result.stderr}`)
      const [operation] = await settle(cloud)
      const { region, secondary } = await cloud.service('PrimaryService')
      assert.equal(region === before, operation?.state === 'failed', `${point}: ${JSON.stringify(operation)}`)
      assert.equal(secondary, 'SecondaryService')
      assert.notEqual((await cloud.service('SecondaryService')).region, region)
    }
    await isWhole(writers)
  })

  testAlone(
    'only its home moves where its server is there already, and others are not moved along unasked',
    async () => {
      await cloud.untilProtected('sql-west-us')
      const { region } = await cloud.service('PrimaryService')
      await cloud.ok(['mobile', 'create', 'Third', '--location', region, '--sql-server', 'sql-west-us'])
      const refused = await cloud.cli(['mobile', 'switchover', 'PrimaryService'])
      assert.equal(refused.code, 3)
      assert.match(refused.stderr, /also holds the data of Third[\s\S]*--with-server/)
      assert.match((await cloud.cli(['mobile', 'switchover', 'Third', region])).stderr, /is in .* already/)
      const writers = SteadyWriters.start(cloud, service, 2)
      await cloud.ok(MOVE)
      await writers.untilWritten(20)
      await cloud.ok(['mobile', 'switchover', 'PrimaryService'])
      await writers.untilWritten(20)
      const moved = await cloud.service('PrimaryService')
      assert.deepEqual([moved.region === region, moved.region === moved.serverRegion], [false, true])
      const { failed } = await writers.stop()
      assert.deepEqual(failed, [])
      await cloud.ok(['mobile', 'delete', 'Third', '--deleteData', '--now', '-q'])
    },
  )

  test('a server without a standby that may be promoted is not moved', async () => {
    await cloud.ok(['sql', 'server', 'protect', 'sql-west-us', '--protection', 'none'])
    const refused = await cloud.cli(MOVE)
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /has no standby that could take over[\s\S]*sql server protect sql-west-us/)
  })
})
