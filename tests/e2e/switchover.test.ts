// Planned moves: primary and standby change roles under load and no request fails; crashes are carried on.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, OperationView, ServerView, ServiceView } from '../../src/contract/api.ts'
import { TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { SteadyWriters } from '../support/steady-writers.ts'

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
    const { isReached } = await crashDuring(cloud, points, at, async () => await cloud.cli(MOVE))
    assert.ok(isReached, `${what.point} was not reached`)
    const [operation] = await settle(cloud)
    return operation
  }
  // Whatever a crash left behind: one primary that takes writes, a standby that may be promoted, and every row.
  const isWhole = async (writers: SteadyWriters) => {
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
    await cloud.untilProtected('sql-west-us')
    const { acknowledged } = await writers.stop()
    const there = new Set(await cloud.readIds(await cloud.service('PrimaryService')))
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

  test('there and back under load: no request fails, no write is lost, and nothing goes backwards', async () => {
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

  test('a server without a standby that may be promoted is not moved', async () => {
    await cloud.ok(['sql', 'server', 'protect', 'sql-west-us', '--protection', 'none'])
    const refused = await cloud.cli(MOVE)
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /has no standby that could take over[\s\S]*sql server protect sql-west-us/)
  })
})
