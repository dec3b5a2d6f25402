// SQL servers that people make, use, protect and delete, through crashes and with a region away.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, OperationView, ServerView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'

const SOON = { withinMs: 30_000, everyMs: 100 }

describe('SQL servers', () => {
  let cloud: TestCloud
  let points: FaultPoints

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('empty', { env: points.env })
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const hasFolder = async (slug: string, server: string) =>
    existsSync(join(await postgresFolderOf(join(cloud.home, 'hosts', slug)), server))
  const crash = async (what: Crash, at: { region: string; server: string }, args: string[]) => {
    const { isReached } = await crashDuring(cloud, points, { ...what, ...at }, async () => await cloud.cli(args))
    assert.ok(isReached, `${what.point} was not reached`)
    await settle(cloud)
  }
  const standingsOf = (server: ServerView) =>
    server.members.map(({ role, standing, region }) => [role, standing, region])

  test('one is made with its standby in another region, and a dry run says so and makes none', async () => {
    const create = ['sql', 'server', 'create', 'orders', '--location', 'East US']
    const { changes } = await cloud.json<DryRunView>([...create, '--dry-run'])
    assert.match(changes.join('\n'), /Create server orders in East US, on east-us-1/)
    await cloud.refuses(['sql', 'server', 'show', 'orders'], 2, /no server 'orders'/)
    const made = await cloud.json<ServerView>(create)
    assert.deepEqual(
      [made.region, made.protection, made.isProtected, made.isDefault],
      ['East US', 'async', true, false],
    )
    assert.deepEqual(standingsOf(made), [
      ['primary', null, 'East US'],
      ['standby', 'ready', 'West US'],
    ])
    assert.match(await cloud.ok(['operation', 'list', '--server', 'orders']), /create_server +orders +succeeded/)
  })

  test('what cannot be is refused with the next step', async () => {
    await cloud.refuses(['sql', 'server', 'create', 'orders'], 1, /the name 'orders' is taken/)
    await cloud.refuses(['sql', 'server', 'create', 'Or ders'], 2, /lower-case letters/)
    await cloud.refuses(['sql', 'server', 'create', 'x', '--location', 'Mars'], 2, /no region "Mars"/)
    await cloud.refuses(
      ['sql', 'server', 'create', 'x', '--protection', 'much'],
      2,
      /async or sync.*\nTry: {5}With sync/,
    )
    await cloud.refuses(['sql', 'server', 'protect', 'nobody'], 2, /no server 'nobody'/)
    await cloud.refuses(['sql', 'server', 'protect', 'orders'], 1, /has that protection already/)
    await cloud.refuses(['sql', 'server', 'protect', 'orders', '--location', 'East US'], 1, /is in East US itself/)
    await cloud.refuses(['sql', 'server', 'delete', 'sql-west-us', '-q'], 3, /where new services of its region go/)
    await cloud.refuses(['mobile', 'create', 'Lost', '--sql-server', 'nobody'], 2, /no server 'nobody'/)
  })

  test('a mobile service keeps its data on the server that it was given, which is then not deleted', async () => {
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'East US', '--sql-server', 'orders'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    const shop = await cloud.service('Shop')
    assert.deepEqual([shop.server, shop.serverRegion], ['orders', 'East US'])
    assert.deepEqual(await cloud.insertRows(shop, ['one', 'two']), ['one', 'two'])
    await cloud.refuses(['sql', 'server', 'delete', 'orders', '-q'], 3, /holds the data of Shop/)
  })

  test('protection is given up and taken again while rows are written', async () => {
    const shop = await cloud.service('Shop')
    const protect = ['sql', 'server', 'protect', 'orders']
    let isOver = false
    const writing = (async () => {
      let [sent, taken] = [0, 0]
      for (; !isOver; sent += 1) taken += (await cloud.insertRows(shop, [`w${sent}`])).length
      return { sent, taken }
    })()
    try {
      const { changes } = await cloud.json<DryRunView>([...protect, '--protection', 'none', '--dry-run'])
      assert.match(changes.join('\n'), /Give up the standby of orders in West US[\s\S]*in one place only/)
      const given = await cloud.json<ServerView>([...protect, '--protection', 'none'])
      assert.deepEqual([given.protection, given.members.length], ['none', 1])
      assert.equal(await hasFolder('west-us', 'orders'), false)
      const taken = await cloud.json<ServerView>(protect)
      assert.deepEqual([taken.protection, taken.isProtected], ['async', true])
    } finally {
      isOver = true
    }
    const { sent, taken } = await writing
    assert.ok(sent > 10)
    assert.equal(taken, sent, 'a change of protection cost writes')
  })

  test('a crash while the standby is given up, and one while its copy is dropped, are carried on', async () => {
    const protect = ['sql', 'server', 'protect', 'orders', '--protection', 'none']
    await points.arm('host.drop.stopped', 'kill')
    const at = { region: 'east-us', server: 'orders' }
    await crash({ point: 'protect_server.release.released', victim: 'self' }, at, protect)
    const [newest] = await cloud.api<OperationView[]>('/operations?server=orders&top=1')
    assert.deepEqual([newest?.kind, newest?.state], ['protect_server', 'succeeded'])
    // A machine that is away meanwhile drops its copy when it is back.
    const isGone = async () => ((await hasFolder('west-us', 'orders')) ? undefined : true)
    await waitFor('the copy to be dropped', isGone, SOON)
    const { members, protection } = await cloud.server('orders')
    assert.deepEqual([members.length, protection], [1, 'none'])
    assert.match(await cloud.ok(['status']), /orders has no standby/)
    await cloud.ok(['sql', 'server', 'protect', 'orders'])
    const rows = await cloud.readIds(await cloud.service('Shop'))
    assert.ok(rows.includes('one') && rows.includes('two'))
  })

  test('one whose standby cannot be built may be changed all the same, and the operation that waits for it ends', async () => {
    // Where its copy is to be there is a file.
    const blocked = join(await postgresFolderOf(join(cloud.home, 'hosts', 'east-us')), 'stuck')
    await writeFile(blocked, '')
    const begun = await cloud.call('POST', '/servers', { name: 'stuck', location: 'West US' })
    assert.equal(begun.status, 202)
    const isTold = async () => {
      const { steps } = await cloud.operation(begun.body.id ?? '')
      return steps.some(({ name, detail }) => name === 'standby' && /stuck/.test(detail ?? '')) ? true : undefined
    }
    await waitFor('the operation to say what it waits for', isTold, SOON)
    await cloud.ok(['sql', 'server', 'protect', 'stuck', '--protection', 'none'])
    const isOver = async () => ((await cloud.operation(begun.body.id ?? '')).state === 'succeeded' ? true : undefined)
    await waitFor('the creation to end', isOver, SOON)
    await cloud.ok(['sql', 'server', 'delete', 'stuck', '-q'])
    assert.equal(await hasFolder('east-us', 'stuck'), false)
  })

  test('a reserved service has a server of its own, which goes with its data', async () => {
    await cloud.ok(['mobile', 'create', 'Big', '--location', 'West US', '--mode', 'reserved'])
    assert.equal((await cloud.service('Big')).server, 'sql-big')
    await cloud.untilProtected('sql-big')
    const later = await cloud.json<DryRunView>(['mobile', 'delete', 'Big', '--deleteData', '--dry-run'])
    assert.match(later.changes.join('\n'), /Keep its data and its server sql-big for 30 days, then drop both/)
    await cloud.ok(['mobile', 'delete', 'Big', '--deleteData', '-q'])
    await cloud.refuses(['sql', 'server', 'delete', 'sql-big', '-q'], 3, /keeps the data of Big/)
    const { changes } = await cloud.json<DryRunView>(['mobile', 'archive', 'delete', 'Big', '--dry-run'])
    assert.match(changes.join('\n'), /Drop its server sql-big/)
    await cloud.ok(['mobile', 'archive', 'delete', 'Big', '-q'])
    await cloud.refuses(['sql', 'server', 'show', 'sql-big'], 2, /no server 'sql-big'/)
    assert.deepEqual([await hasFolder('west-us', 'sql-big'), await hasFolder('east-us', 'sql-big')], [false, false])
  })

  test('one that keeps data is deleted only when that is said, and a region that is away drops its copy later', async () => {
    await cloud.ok(['mobile', 'delete', 'Shop', '-q'])
    await cloud.refuses(['sql', 'server', 'delete', 'orders', '-q'], 3, /keeps the data of Shop.*\n.*--delete-data/)
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    const isMissed = async () => {
      const { regions } = await cloud.status()
      return regions.find(({ name }) => name === 'West US')?.hosts === 0 ? true : undefined
    }
    await waitFor('West US to be missed', isMissed, SOON)
    const done = await cloud.json<OperationView>(['sql', 'server', 'delete', 'orders', '--delete-data', '-q'])
    assert.match(done.steps.at(-1)?.detail ?? '', /west-us-1 will drop it later/)
    assert.deepEqual([await hasFolder('west-us', 'orders'), await hasFolder('east-us', 'orders')], [true, false])
    await cloud.refuses(
      ['sql', 'server', 'create', 'orders', '--location', 'East US'],
      1,
      /still has to be removed from west/,
    )
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await waitFor('the copy to go', async () => ((await hasFolder('west-us', 'orders')) ? undefined : true), SOON)
    const isMade = async () => {
      const again = await cloud.cli(['sql', 'server', 'create', 'orders', '--location', 'East US'])
      return again.code === 0 ? true : undefined
    }
    await waitFor('the name to be free', isMade, SOON)
    assert.deepEqual((await cloud.server('orders')).services, [])
    await cloud.refuses(['mobile', 'restore-secondary', 'Shop'], 2, /not in the archive|no mobile service 'Shop'/)
  })
})
