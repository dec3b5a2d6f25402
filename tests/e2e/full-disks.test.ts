// Disks that are full, of a primary, of its standby and of the vault: each is said, nothing is lost, and all goes on
// once there is room again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { requireRows } from '../support/lost-region.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { SteadyWriters } from '../support/steady-writers.ts'

const SERVER = 'sql-west-us'
const SOON = { withinMs: 60_000, everyMs: 100 }
const MEGABYTES = { primary: 640, standby: 640, vault: 256 }

describe('a disk that is full', () => {
  let cloud: TestCloud
  let service: ServiceView
  const disks = new Map<string, SmallDisk>()

  before(async () => {
    const mount = async (name: keyof typeof MEGABYTES, folder: string) => {
      const disk = await SmallDisk.mount(folder, MEGABYTES[name])
      if (disk) disks.set(name, disk)
    }
    cloud = await TestCloud.start('pair')
    await cloud.down()
    cloud.env = { MAINSTAY_VAULT: join(cloud.home, 'vault') }
    await mount('primary', await postgresFolderOf(join(cloud.home, 'hosts', 'west-us')))
    await mount('standby', await postgresFolderOf(join(cloud.home, 'hosts', 'east-us')))
    await mount('vault', join(cloud.home, 'vault'))
    if (disks.size === 0) return
    await cloud.up()
    service = await cloud.service('PrimaryService')
    await cloud.untilProtected(SERVER)
    await cloud.untilRestorable(SERVER)
  })
  after(async () => {
    await cloud.down()
    for (const disk of disks.values()) await disk.unmount()
    await cloud.dispose()
  })

  const diskOf = (context: TestContext, name: string): SmallDisk | null => {
    const disk = disks.get(name) ?? null
    if (disk === null) context.skip('no file system can be mounted here')
    return disk
  }
  const untilWarned = async (text: RegExp, before: () => Promise<void> = async () => {}) => {
    const isTold = async () => {
      await before()
      return (await cloud.status()).warnings.some((one) => text.test(one)) ? true : undefined
    }
    await waitFor(`a warning like ${text}`, isTold, SOON)
  }
  // So much WAL comes of them that no segment that was made before has room for it.
  const switchWal = async (times: number) => {
    const primary = await connectInside(cloud, 'west-us', SERVER)
    try {
      for (let time = 0; time < times; time += 1) {
        await primary.query("select pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()")
      }
    } finally {
      await primary.end().catch(() => {})
    }
  }
  const untilRefused = async () => {
    const isRefused = async () => {
      const body = JSON.stringify({ text: 'x'.repeat(8_000) })
      const { status } = await cloud.app(service, '/tables/TodoItem', { method: 'POST', body })
      return status === 503 ? true : undefined
    }
    await waitFor('a write to be refused', isRefused, SOON)
  }
  // Until what it had set aside is used up, too: PostgreSQL stops for it, and starts again as it may.
  const untilStopped = async (disk: SmallDisk) => {
    const isStopped = async () => {
      await disk.fill()
      return await switchWal(2).then(
        () => undefined,
        () => true,
      )
    }
    await waitFor('PostgreSQL to stop', isStopped, SOON)
  }
  // What is kept for a standby is a quarter of the primary's disk at most.
  const untilSlotLost = async (disk: SmallDisk) => {
    const primary = await connectInside(cloud, 'west-us', SERVER)
    const isLost = async () => {
      // A standby that starts again gives up WAL of its own, and would use that room.
      await disk.fill()
      await switchWal(2)
      await primary.query('checkpoint')
      const lost = await primary.query("select 1 from pg_replication_slots where wal_status = 'lost'")
      return lost.rowCount === 0 ? undefined : true
    }
    await waitFor('the WAL to be given up', isLost, SOON).finally(async () => await primary.end())
  }

  test('of the vault: WAL is kept, people are told, and it comes as soon as there is room', async (context) => {
    const disk = diskOf(context, 'vault')
    if (!disk) return
    await disk.fill()
    const writers = SteadyWriters.start(cloud, service, 2)
    // What gives up for want of room, a base backup of the other server, say, leaves some: it is filled, too.
    await untilWarned(/backups of sql-west-us: .*(ENOSPC|no space|room)/i, async () => await disk.fill())
    await writers.untilWritten(50)
    assert.deepEqual((await writers.stop()).failed, [])
    await cloud.refuses(['sql', 'backup', 'create', SERVER], 1, /ENOSPC|no space/i)
    await disk.free()
    await cloud.untilRestorable(SERVER)
    await cloud.ok(['sql', 'backup', 'verify', SERVER])
  })

  test('of the standby, until the WAL that it needs is gone: it is built anew once there is room', async (context) => {
    const disk = diskOf(context, 'standby')
    if (!disk) return
    await disk.fill()
    // East US's own server is on it, too, and leaves some when it gives up.
    await untilWarned(/^0 MiB of 640 MiB are left where sql-west-us is on east-us-1/, async () => await disk.fill())
    const writers = SteadyWriters.start(cloud, service, 2)
    await switchWal(10)
    await untilWarned(/the standby of sql-west-us in East US is released/)
    await untilSlotLost(disk)
    await writers.untilWritten(50)
    const { failed, acknowledged } = await writers.stop()
    assert.deepEqual(failed, [])
    await disk.free()
    await cloud.untilProtected(SERVER)
    await requireRows(cloud, service.name, acknowledged)
    await cloud.ok(['mobile', 'verify', 'PrimaryService', '--against', 'standby'])
  })

  test('of the primary: apps are told at once, the cause is shown, and no acknowledged write is lost', async (context) => {
    const disk = diskOf(context, 'primary')
    if (!disk) return
    const writers = SteadyWriters.start(cloud, service, 2)
    await writers.untilWritten(50)
    await disk.fill()
    const isFull = async () =>
      (await cloud.service('PrimaryService')).health.cause === 'database_full' ? true : undefined
    await waitFor('the cause to be told', isFull, SOON)
    const { health } = await cloud.service('PrimaryService')
    assert.match(health.message ?? '', /has no room on its disk: free some, and it goes on by itself/)
    await untilRefused()
    await untilStopped(disk)
    await disk.free()
    await cloud.untilState('PrimaryService', 'Ready', 60_000)
    await writers.untilWritten(50)
    const { failed, acknowledged } = await writers.stop()
    assert.ok(failed.length > 0)
    assert.deepEqual(
      failed.filter((one) => !/: 50[034] /.test(one)),
      [],
    )
    await requireRows(cloud, service.name, acknowledged)
    await cloud.ok(['mobile', 'verify', 'PrimaryService'])
  })
})
