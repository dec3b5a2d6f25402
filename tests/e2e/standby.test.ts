// Standbys keep themselves: released when their region is lost, armed when it returns, built anew when data is gone.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { TestCloud } from '../support/cloud.ts'

describe('a standby', () => {
  let cloud: TestCloud
  let primary: ServiceView
  const acknowledged: string[] = []

  before(async () => {
    cloud = await TestCloud.start('pair')
    primary = await cloud.service('PrimaryService')
  })
  after(async () => await cloud.dispose())

  const standing = async () =>
    (await cloud.server('sql-west-us')).members.find((member) => member.role === 'standby')?.standing
  const untilStanding = async (wanted: string) =>
    await waitFor(`the standby to be ${wanted}`, async () => ((await standing()) === wanted ? true : undefined), {
      withinMs: 40_000,
      everyMs: 100,
    })

  test('that is lost with its region is released, and its primary goes on taking writes all the while', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    let refused = 0
    let after = 0
    for (let number = 0; after < 50; number += 1) {
      const [id] = await cloud.insertRows(primary, [`during-${number}`])
      if (id) acknowledged.push(id)
      else refused += 1
      if (after > 0 || (number % 10 === 0 && (await standing()) === 'released')) after += 1
      assert.ok(number < 1_500, 'the standby is not released')
      await pause(20)
    }
    assert.equal(refused, 0, 'the loss of the standby cost writes')
    assert.equal(await standing(), 'released')
    assert.equal((await cloud.server('sql-west-us')).isProtected, false)
    assert.match(await cloud.ok(['status']), /the standby of sql-west-us in East US is released/)
  })

  test('catches up by itself when its region returns, and counts again', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await untilStanding('ready')
    const member = (await cloud.server('sql-west-us')).members.find((entry) => entry.role === 'standby')
    assert.equal(member?.lagBytes, 0)
  })

  test('is built anew when its data folder is gone', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    await untilStanding('released')
    const folder = await postgresFolderOf(join(cloud.home, 'hosts/east-us'))
    await rm(join(folder, 'sql-west-us'), { recursive: true })
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await untilStanding('ready')
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged].sort())
  })
})
