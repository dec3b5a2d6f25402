// Only the runtimes of a region are lost: the service moves, its database is kept where it is.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, ServiceView } from '../../src/contract/api.ts'
import { TestCloud } from '../support/cloud.ts'

describe('a service whose compute was lost', () => {
  let cloud: TestCloud
  let primary: ServiceView
  let acknowledged: string[]

  before(async () => {
    cloud = await TestCloud.start('pair')
    primary = await cloud.service('PrimaryService')
    acknowledged = await cloud.insertRows(
      primary,
      Array.from({ length: 30 }, (_, index) => `row-${index}`),
    )
  })
  after(async () => await cloud.dispose())

  test('is Unhealthy for that reason, not for its region or its database', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US', '--only', 'compute'])
    assert.ok((await cloud.untilState('PrimaryService', 'Unhealthy', 10_000)) < 5_000)
    assert.equal((await cloud.service('PrimaryService')).health.cause, 'runtime_down')
  })

  test('is recovered with its database kept, and nothing lost', async () => {
    const shown = await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.match(shown, /kept: sql-west-us stays where it is/)
    assert.match(shown, /none: the database was kept/)
    const now = await cloud.service('PrimaryService')
    assert.deepEqual([now.region, now.serverRegion], ['East US', 'West US'])
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged].sort())
    assert.deepEqual(await cloud.insertRows(primary, ['after']), ['after'])
  })

  test('leaves the old login shut out of the database', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    assert.deepEqual(await cloud.insertRows(primary, ['later']), ['later'])
    assert.equal((await cloud.service('PrimaryService')).region, 'East US')
  })

  test('is Unhealthy because of its database when the region dies after all', async () => {
    await cloud.untilProtected('sql-west-us')
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 10_000)
    assert.equal((await cloud.service('PrimaryService')).health.cause, 'database_unreachable')
  })

  test('is well again when the standby of its database is promoted, where it stands', async () => {
    const promote = ['sql', 'server', 'promote']
    await cloud.refuses([...promote, 'sql-east-us'], 3, /is alive on[\s\S]*sql server switchover sql-east-us/)
    await cloud.refuses([...promote, 'sql-west-us', '--accept-loss', 'none'], 3, /more than the 0 s/)
    const { changes } = await cloud.json<DryRunView>([...promote, 'sql-west-us', '--dry-run'])
    assert.match(
      changes.join('\n'),
      /in East US; what West US has is quarantined[\s\S]*Loss: at most[\s\S]*PrimaryService/,
    )
    await cloud.ok([...promote, 'sql-west-us'])
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
    const now = await cloud.service('PrimaryService')
    assert.deepEqual([now.region, now.serverRegion], ['East US', 'East US'])
    await cloud.untilServed(primary)
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged, 'after', 'later'].sort())
    assert.deepEqual(await cloud.insertRows(primary, ['at last']), ['at last'])
  })
})
