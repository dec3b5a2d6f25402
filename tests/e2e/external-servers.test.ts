// External servers: somebody else's PostgreSQL under a mobile service, through its failover and the loss of a region.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunView, ServerView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { TestCloud } from '../support/cloud.ts'
import { crashDuring, settle } from '../support/crash-cases.ts'
import {
  APP_USER,
  DATABASE,
  type ExternalPostgres,
  findInstalled,
  startExternalPostgres,
} from '../support/external-postgres.ts'
import { FaultPoints } from '../support/fault-points.ts'

const SOON = { withinMs: 30_000, everyMs: 100 }

describe('an external server', () => {
  let cloud: TestCloud
  let external: ExternalPostgres

  before(async () => {
    external = await startExternalPostgres({ hasStandby: true })
    cloud = await TestCloud.start('empty')
  })
  after(async () => {
    await cloud?.dispose()
    await external?.stop()
  })

  const attach = (name: string, url: string) => ['sql', 'server', 'attach', name, '--url', url]

  test('is looked into from every region before it is attached; what cannot be is refused', async () => {
    await cloud.refuses(attach('orders', external.url({ password: 'wrong' })), 1, /password authentication failed/)
    await cloud.refuses(attach('orders', external.url({ database: 'nothing' })), 1, /"nothing" does not exist/)
    await cloud.refuses(attach('orders', external.url({ ports: [1] })), 1, /no host takes writes: 127.0.0.1:1 is/)
    await cloud.refuses(attach('orders', external.url({ query: 'sslmode=require' })), 1, /not support SSL/)
    await cloud.refuses(attach('orders', 'mysql://x'), 2, /is not a postgres:\/\/ URL/)
    await cloud.refuses(attach('orders', 'postgres://u:p@%2Fsocket/x'), 2, /not by a socket folder/)
    await cloud.refuses(attach('sql-west-us', external.url()), 1, /is a server of ours/)
    const { changes } = await cloud.json<DryRunView>([...attach('orders', external.url()), '--dry-run'])
    assert.match(
      changes.join('\n'),
      /Attach orders: shop on 127.0.0.1:\d+, PostgreSQL 18.*\n.* is read-only\n.* ms there/,
    )
    await cloud.refuses(['sql', 'server', 'show', 'orders'], 2, /no server 'orders'/)
  })

  test('is attached by a URL that nobody sees, shown as it is, and given no protection of ours', async () => {
    const { stdout, code } = await cloud.cli(['sql', 'server', 'attach', 'orders'], `${external.url()}\n`)
    assert.equal(code, 0, stdout)
    const isSeen = async () => ((await cloud.server('orders')).external?.version ? true : undefined)
    await waitFor('it to be looked after', isSeen, SOON)
    const shown = await cloud.ok(['sql', 'server', 'show', 'orders'])
    assert.match(shown, /External in +West US[\s\S]*Takes writes +127.0.0.1:\d+, PostgreSQL 18/)
    assert.match(shown, /Looked after by +west-us-1/)
    assert.doesNotMatch(shown + JSON.stringify(await cloud.server('orders')), /postgres:\/\//)
    await cloud.refuses(['sql', 'server', 'protect', 'orders'], 1, /external server: how it is protected is its owner/)
    await cloud.refuses(['sql', 'server', 'promote', 'orders'], 1, /external server/)
    await cloud.refuses(['sql', 'server', 'switchover', 'orders'], 1, /external server/)
    await cloud.refuses(['sql', 'server', 'delete', 'orders', '-q'], 1, /not ours to delete.*\n.*detach orders/)
    await cloud.refuses(['sql', 'backup', 'create', 'orders'], 1, /external server: backing it up/)
    await cloud.refuses(attach('others', external.url()), 1, /is attached as orders already/)
  })

  test('keeps the data of a mobile service like any other', async () => {
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US', '--sql-server', 'orders'])
    await cloud.ok(['mobile', 'create', 'Spare', '--location', 'East US', '--secondary-for', 'Shop'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    const shop = await cloud.service('Shop')
    assert.deepEqual([shop.server, shop.serverRegion], ['orders', 'West US'])
    assert.deepEqual(await cloud.insertRows(shop, ['one', 'two']), ['one', 'two'])
    await cloud.ok(['mobile', 'table', 'update', 'Shop', 'TodoItem', '--addColumn', 'price=number'])
    const changed = { method: 'PATCH', body: '{"price":3}' }
    assert.equal((await cloud.app(shop, '/tables/TodoItem/one', changed)).status, 200)
    assert.match(
      await cloud.ok(['mobile', 'verify', 'Shop']),
      /2 row\(s\)[\s\S]*not looked at: the pages of its indexes/,
    )
    const rows = await external.primary.sql('select id from shop."TodoItem" order by id', DATABASE)
    assert.deepEqual(rows, [{ id: 'one' }, { id: 'two' }])
  })

  test('fails over to its standby under load: nothing of ours is started again, no connection stays behind', async () => {
    const shop = await cloud.service('Shop')
    const roles = () => ['control', 'gateway', 'west-us', 'east-us'].map((role) => cloud.rolePid(role))
    const before = roles()
    let isOver = false
    const taken: string[] = []
    let refused = 0
    const writing = (async () => {
      for (let count = 0; !isOver; count += 1) {
        const id = `f${String(count).padStart(5, '0')}`
        const acknowledged = await cloud.insertRows(shop, [id]).catch(() => [])
        taken.push(...acknowledged)
        refused += acknowledged.length === 0 ? 1 : 0
      }
    })()
    try {
      await waitFor('writes', () => (taken.length > 20 ? true : undefined), SOON)
      // All that was acknowledged before is there, whoever of the two it is asked of: the owner stops it in order.
      await external.primary.stop('SIGINT')
      await external.standby?.promote()
      const takenBefore = taken.length
      await waitFor('writes again', () => (taken.length > takenBefore + 20 ? true : undefined), SOON)
    } finally {
      isOver = true
    }
    await writing
    assert.ok(refused > 0)
    const ids = await cloud.readIds(shop)
    assert.deepEqual(
      taken.filter((id) => !ids.includes(id)),
      [],
    )
    assert.deepEqual(roles(), before)
    const place = `127.0.0.1:${external.standby?.port}`
    const isTold = async () => ((await cloud.server('orders')).external?.at === place ? true : undefined)
    await waitFor('its new primary to be told', isTold, SOON)
  })

  test('lives on when the region of whoever looks after it dies, and the service is recovered onto it', async () => {
    const shop = await cloud.service('Shop')
    const before = await cloud.readIds(shop)
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('Shop', 'Unhealthy', 30_000)
    const isMoved = async () =>
      (await cloud.server('orders')).members[0]?.machine === 'east-us-1' &&
      (await cloud.server('orders')).members[0]?.state === 'running'
        ? true
        : undefined
    await waitFor('another host to look after it', isMoved, SOON)
    const told = await cloud.ok(['mobile', 'recover', 'Shop', 'Spare', '-q'])
    assert.match(told, /kept|keeps/)
    const moved = await cloud.service('Shop')
    assert.deepEqual([moved.region, moved.server, moved.serverRegion], ['East US', 'orders', 'West US'])
    assert.deepEqual(await cloud.readIds(moved), before)
    assert.deepEqual(await cloud.insertRows(moved, ['after']), ['after'])
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await cloud.untilRegionsReady()
    const isBack = async () => ((await cloud.server('orders')).members[0]?.machine === 'west-us-1' ? true : undefined)
    await waitFor('its own region to look after it again', isBack, SOON)
    assert.deepEqual(await cloud.insertRows(moved, ['back']), ['back'])
    const logins = await external.standby?.sql(`select 1 from pg_roles where rolname like 'svc_%' and rolcanlogin`)
    assert.equal(logins?.length, 1, 'an older login is open')
  })

  test('is reached by another password once it is told, and the service goes on', async () => {
    await external.standby?.sql(`alter role ${APP_USER} password 'another'`)
    await cloud.refuses(attach('orders', external.url()), 1, /password authentication failed/)
    const told = await cloud.ok(attach('orders', external.url({ password: 'another' })))
    assert.match(told, /Reach orders by another URL/)
    await untilTaken(['rotated'])
    const { hosts } = await untilSeen(cloud, 'orders')
    assert.deepEqual(
      hosts.map(({ state }) => state),
      ['unreachable', 'writable'],
    )
    assert.match(await cloud.ok(['status']), /the external server orders: 127.0.0.1:\d+ cannot be used/)
  })

  test('a copy that its owner restored is told apart from it; a service is changed to it, and back', async () => {
    assert.ok(external.standby)
    const before = await cloud.readIds(await cloud.service('Shop'))
    const copy = await external.copy(external.standby)
    const url = external.url({ password: 'another', ports: [copy.port] })
    await cloud.ok(attach('copied', url))
    await untilSeen(cloud, 'copied')
    const isOpen = async () => ((await cloud.server('orders')).members[0]?.state === 'running' ? true : undefined)
    await waitFor('the other to be back', isOpen, SOON)
    const changed = await cloud.ok(['mobile', 'change-database', 'Shop', 'copied', '-q'])
    assert.match(changed, /It has the same rows/)
    assert.equal((await cloud.service('Shop')).server, 'copied')
    assert.deepEqual(await cloud.readIds(await cloud.service('Shop')), before)
    await cloud.ok(['mobile', 'change-database', 'Shop', '--undo', '-q'])
    assert.equal((await cloud.service('Shop')).server, 'orders')
    await untilTaken(['undone'])
    const open = await copy.sql(`select 1 from pg_roles where rolname like 'svc_%' and rolcanlogin`)
    assert.deepEqual(open, [], 'a login is open in the copy')
    await cloud.refuses(['sql', 'server', 'detach', 'orders', '-q'], 3, /holds the data of Shop/)
    assert.match(await cloud.ok(['sql', 'server', 'detach', 'copied', '-q']), /what it keeps of Shop stays in it/i)
  })

  test('what is in it is exported, and imported into another', async () => {
    const file = join(cloud.home, 'shop.export')
    await cloud.ok(['sql', 'export', 'Shop', '-o', file])
    await cloud.ok(['mobile', 'create', 'Shop2', '--sql-server', 'orders'])
    await cloud.ok(['sql', 'import', 'Shop2', file])
    const [one, two] = [await cloud.service('Shop'), await cloud.service('Shop2')]
    assert.deepEqual(await cloud.readIds(two), await cloud.readIds(one))
    assert.deepEqual(await cloud.insertRows(two, ['imported']), ['imported'])
  })

  const untilTaken = async (ids: string[]) => {
    const shop = await cloud.service('Shop')
    const wanted = [...ids, `probe-${Date.now()}`]
    for (const id of wanted) {
      const isTaken = async () => ((await cloud.insertRows(shop, [id])).length > 0 ? true : undefined)
      await waitFor(`${id} to be taken`, isTaken, SOON)
    }
  }
})

describe('who looks after an external server', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let external: ExternalPostgres

  before(async () => {
    points = await FaultPoints.make()
    external = await startExternalPostgres({})
    cloud = await TestCloud.start('empty', { env: points.env })
  })
  after(async () => {
    await cloud?.dispose()
    await external?.stop()
    await points?.dispose()
  })

  const attach = () => ['sql', 'server', 'attach', 'orders', '--url', external.url()]
  const at = { region: 'west-us', server: 'orders' }

  test('control dies between its mark and its row: the next try finds the mark and goes on', async () => {
    const crash = { point: 'attach_server.marked', victim: 'self' as const, ...at }
    const { isReached, result } = await crashDuring(cloud, points, crash, async () => await cloud.cli(attach()))
    assert.ok(isReached)
    assert.notEqual(result.code, 0)
    await settle(cloud)
    await cloud.refuses(['sql', 'server', 'show', 'orders'], 2, /no server/)
    await cloud.ok(attach())
    // Its host has had its first turn there: the next one is that of a schema.
    await untilSeen(cloud, 'orders')
  })

  test('its host dies in the middle of making a schema: it is made all the same', async () => {
    const crash = { point: 'host.external.in_turn', victim: 'self' as const, ...at }
    const create = ['mobile', 'create', 'Shop', '--location', 'East US', '--sql-server', 'orders']
    const { isReached } = await crashDuring(cloud, points, crash, async () => await cloud.cli(create))
    assert.ok(isReached)
    await settle(cloud)
    await cloud.untilState('Shop', 'Ready', 30_000)
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    assert.deepEqual(await cloud.insertRows(await cloud.service('Shop'), ['one']), ['one'])
  })

  test('its host stands still with the turn in its hand: another takes over, and it does nothing when it wakes', async () => {
    const shop = await cloud.service('Shop')
    await points.arm('host.external.in_turn', 'stop')
    const creating = cloud.cli(['mobile', 'table', 'create', 'Shop', 'Later'])
    const pid = await waitFor(
      'the host to stand still',
      async () => (await points.hitBy('host.external.in_turn')) ?? undefined,
      SOON,
    )
    const isMoved = async () => {
      const [attendant] = (await cloud.server('orders')).members
      return attendant?.machine === 'east-us-1' && attendant.state === 'running' ? true : undefined
    }
    await waitFor('another host to look after it', isMoved, { withinMs: 60_000, everyMs: 100 })
    // Nobody answered for it in time, so it was taken back. Given again it is done by who looks after it now: once
    // PostgreSQL has ended the session of who stands still.
    await creating
    const isTaken = async () =>
      (await cloud.cli(['mobile', 'table', 'create', 'Shop', 'Later'])).code === 0 ? true : undefined
    await waitFor('the table to be made', isTaken, SOON)
    const isMade = async () => ((await cloud.app(shop, '/tables/Later')).status === 200 ? true : undefined)
    await waitFor('the table to be served', isMade, SOON)
    assert.deepEqual(await cloud.insertRows(shop, ['two']), ['two'])
    await points.letGo(pid)
    signalProcess(pid, 'SIGCONT')
    await cloud.untilRegionsReady()
    const isBack = async () => ((await cloud.server('orders')).members[0]?.machine === 'west-us-1' ? true : undefined)
    await waitFor('its own region to look after it again', isBack, SOON)
    assert.deepEqual(await cloud.insertRows(shop, ['three']), ['three'])
    assert.deepEqual(await cloud.readIds(shop), ['one', 'three', 'two'])
  })
})

async function untilSeen(cloud: TestCloud, server: string) {
  const isSeen = async () => {
    const { external: seen } = await cloud.server(server)
    return seen?.version && seen.hosts.every(({ state }) => state !== 'unknown') ? seen : undefined
  }
  return await waitFor(`${server} to be looked after`, isSeen, SOON)
}

const installed = findInstalled()

test('an installed PostgreSQL 15 is as good', { skip: installed === null && 'none is installed' }, async (context) => {
  const external = await startExternalPostgres({ bin: String(installed) })
  context.after(async () => await external.stop())
  const cloud = await TestCloud.start('empty')
  context.after(async () => await cloud.dispose())
  await cloud.ok(['sql', 'server', 'attach', 'old', '--url', external.url()])
  await cloud.ok(['mobile', 'create', 'Shop', '--sql-server', 'old'])
  await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
  const shop = await cloud.service('Shop')
  assert.deepEqual(await cloud.insertRows(shop, ['one']), ['one'])
  await cloud.ok(['mobile', 'delete', 'Shop', '-q', '--deleteData', '--now'])
  assert.deepEqual(await external.primary.sql(`select 1 from pg_roles where rolname like 'svc_%'`), [])
  await cloud.ok(['sql', 'server', 'detach', 'old', '-q'])
  const shown: ServerView[] = await cloud.api('/servers')
  assert.ok(shown.every(({ kind }) => kind === 'managed'))
})
