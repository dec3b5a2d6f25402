// Backups as people use them: kept by themselves, listed, verified, and made into a server when a region is lost.
import assert from 'node:assert/strict'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BackupsView, DryRunView, OperationView, ServerView, ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { childrenOf, commandOf, signalProcess } from '../../src/kit/processes.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'

const SERVER = 'sql-west-us'
const SOON = { withinMs: 60_000, everyMs: 100 }

describe('backups', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let service: ServiceView
  let moment: string

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('empty', { env: points.env, hasVault: true })
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    service = await cloud.service('Shop')
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const isReady = async (region: string) =>
    (await cloud.status()).regions.find(({ name }) => name === region)?.health.state === 'Ready'

  const idsOn = async (server: ServerView) => {
    const slug = server.region === 'East US' ? 'east-us' : 'west-us'
    const client = await connectInside(cloud, slug, server.name)
    const { rows } = await client.query<{ id: string }>('select id from shop."TodoItem" order by id')
    const logins = await client.query("select 1 from pg_roles where rolname like 'svc_%' and rolcanlogin")
    await client.end()
    return { ids: rows.map(({ id }) => id), logins: logins.rowCount }
  }

  test('are kept by themselves, and told with the moments that can be restored', async () => {
    assert.deepEqual(await cloud.insertRows(service, ['one', 'two']), ['one', 'two'])
    await cloud.untilRestorable(SERVER)
    moment = new Date().toISOString()
    await pause(20)
    assert.deepEqual(await cloud.insertRows(service, ['three']), ['three'])
    await cloud.untilRestorable(SERVER)
    const found = await cloud.json<BackupsView>(['sql', 'backup', 'list', SERVER])
    assert.deepEqual([found.backups.length, found.gaps, found.problems], [1, [], []])
    assert.ok(found.restorable && Date.parse(found.restorable.from) < Date.parse(moment))
    assert.match(await cloud.ok(['sql', 'server', 'show', SERVER]), /Backups +any moment from .* in .*vault/)
    await cloud.refuses(['sql', 'backup', 'list', 'nobody'], 2, /no server 'nobody', and never was/)
  })

  test('can be taken at once, and verified by restoring them', async () => {
    assert.match(await cloud.ok(['sql', 'backup', 'create', SERVER]), /\d+ bytes, \d+ in the vault/)
    const unused = ['sql', 'backup', 'create', 'sql-east-us']
    await cloud.refuses(unused, 1, /not backed up here[\s\S]*once it holds data of a mobile service/)
    assert.match(await cloud.ok(['sql', 'backup', 'verify', SERVER]), /all whole/)
    assert.match(await cloud.ok(['sql', 'backup', 'verify', SERVER, '--restore']), /restored: \d+ row\(s\).* are whole/)
  })

  test('one whose process is killed is told, and leaves nothing; the next one is whole', async () => {
    const folder = join(cloud.home, 'vault', 'servers', SERVER, 'base')
    const before = await readdir(folder)
    const taking = cloud.cli(['sql', 'backup', 'create', SERVER])
    const isPart = (name: string) => !name.endsWith('.tmp')
    const partsOf = async (id: string) => (await readdir(join(folder, id)).catch(() => [])).filter(isPart).length
    const begun = async () => {
      const [id] = (await readdir(folder)).filter((name) => !before.includes(name))
      return id !== undefined && (await partsOf(id)) > 0 ? id : undefined
    }
    const id = await waitFor('its first part', begun, { withinMs: 30_000, everyMs: 5 })
    const [pid] = childrenOf(cloud.rolePid('west-us')).filter((child) => commandOf(child).endsWith(' backups'))
    assert.ok(pid && signalProcess(pid, 'SIGKILL'))
    const { code, stderr } = await taking
    assert.equal(code, 1)
    assert.match(stderr, /its process ended \(SIGKILL\)/)
    await waitFor('its parts to go', async () => ((await partsOf(id)) === 0 ? true : undefined), SOON)
    assert.match(await cloud.ok(['sql', 'backup', 'create', SERVER]), /\d+ bytes, \d+ in the vault/)
    assert.match(await cloud.ok(['sql', 'backup', 'verify', SERVER]), /all whole/)
  })

  test('what cannot be restored is refused with what can', async () => {
    const restore = ['sql', 'restore', SERVER]
    await cloud.refuses([...restore, '--to', 'yesterday'], 2, /no moment and no backup/)
    await cloud.refuses([...restore, '--to', '2001-01-01T00:00:00Z'], 1, /can be restored|first|earl/i)
    await cloud.refuses([...restore, '--to', '2101-01-01T00:00:00Z'], 1, /can be restored|last|late/i)
    await cloud.refuses([...restore, '--name', 'sql-east-us'], 1, /is taken/)
    const plan = await cloud.json<DryRunView>([...restore, '--to', moment, '--location', 'East US', '--dry-run'])
    assert.match(plan.changes.join('\n'), /Create server sql-west-us-restored in East US[\s\S]*bytes are fetched/)
  })

  test('give one table back under another name, or its rows, and leave the rest alone', async () => {
    const table = ['sql', 'restore-table', 'Shop', 'TodoItem', '--to', moment]
    const row = async (id: string) =>
      (await (await cloud.app(service, `/tables/TodoItem/${id}`)).json()) as Record<string, unknown>
    await cloud.refuses([...table, '--as', 'TodoItem'], 1, /has a table 'TodoItem'/)
    await cloud.refuses([...table, '--id', 'one', '--exact'], 2, /say nothing of the others/)
    await cloud.refuses([...table, '--to', '2001-01-01T00:00:00Z'], 1, /can be restored|first|earl/i)
    const plan = await cloud.json<DryRunView>([...table, '--dry-run'])
    assert.match(plan.changes.join('\n'), /beside sql-west-us, as it was at[\s\S]*deleted or changed since/)

    assert.match(await cloud.ok([...table, '--as', 'Before']), /2 row\(s\) of .* in Before/)
    const copied = await cloud.app(service, '/tables/Before?$orderby=id')
    assert.deepEqual(await copied.json(), [
      { id: 'one', text: 'row one' },
      { id: 'two', text: 'row two' },
    ])

    await cloud.app(service, '/tables/TodoItem/one', { method: 'DELETE' })
    await cloud.app(service, '/tables/TodoItem/two', { method: 'PATCH', body: '{"text":"spoilt","extra":1}' })
    assert.match(await cloud.ok([...table, '--id', 'one', '-q']), /1 brought back, 0 set back/)
    assert.deepEqual(
      [await row('one'), (await row('two')).text],
      [{ id: 'one', text: 'row one', extra: null }, 'spoilt'],
    )
    const at = { point: 'host.restored_service.open', victim: 'self' as const, region: 'west-us', server: SERVER }
    const { isReached } = await crashDuring(cloud, points, at, async () => await cloud.cli([...table, '-q']))
    assert.ok(isReached)
    const [operation] = await settle(cloud)
    await cloud.untilState('Shop', 'Ready', 30_000)
    assert.match(operation?.steps[0]?.detail ?? '', /2 row\(s\) of .*: 0 brought back, 1 set back/)
    assert.deepEqual(await row('two'), { id: 'two', text: 'row two', extra: 1 })
    assert.deepEqual(await cloud.readIds(service), ['one', 'three', 'two'])
    assert.match(await cloud.ok([...table, '--exact', '-q']), /0 brought back, 0 set back, 1 deleted/)
    assert.deepEqual(await cloud.readIds(service), ['one', 'two'])
    assert.deepEqual(await cloud.insertRows(service, ['three']), ['three'])
    await cloud.untilRestorable(SERVER)
    const leftovers = (await readdir(await postgresFolderOf(join(cloud.home, 'hosts/west-us')))).filter((name) =>
      name.startsWith('.scratch'),
    )
    assert.deepEqual(leftovers, [])
  })

  test('become a server in another region, to the moment, with the source lost and through a crash', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('Shop', 'Unhealthy', 30_000)
    const restore = ['sql', 'restore', SERVER, '--to', moment, '--location', 'East US', '--name', 'before']
    // The host is lost in the middle, for longer than it takes to say so, and comes back.
    await points.arm('host.restore.fetching', 'stop')
    const running = cloud.cli(restore)
    const pid = await waitFor('the point', async () => (await points.hitBy('host.restore.fetching')) ?? undefined, SOON)
    await points.disarm()
    await waitFor('East US to be lost', async () => ((await isReady('East US')) ? undefined : true), SOON)
    const [asked] = await cloud.api<OperationView[]>('/operations?server=before')
    const isWaitedFor = async () =>
      /cannot be reached/.test((await cloud.operation(asked?.id ?? '')).steps[0]?.detail ?? '') || undefined
    await waitFor('the restore to wait for it', isWaitedFor, SOON)
    // Whoever waits for it dies, too: the next control goes on waiting.
    signalProcess(cloud.rolePid('control'), 'SIGKILL')
    signalProcess(pid, 'SIGKILL')
    const restored = await running
    assert.equal(restored.code, 0, restored.stderr)
    await settle(cloud)
    const isOpen = async () => ((await cloud.server('before')).members[0]?.state === 'running' ? true : undefined)
    await waitFor('the restored server', isOpen, SOON)
    const { ids, logins } = await idsOn(await cloud.server('before'))
    assert.deepEqual([ids, logins], [['one', 'two'], 0])
    await cloud.ok(['sql', 'restore', SERVER, '--location', 'East US', '--name', 'newest'])
    assert.deepEqual((await idsOn(await cloud.server('newest'))).ids, ['one', 'three', 'two'])
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await cloud.untilState('Shop', 'Ready', 60_000)
  })

  test('two restores at once are two servers; of two under one name one is told that it is taken', async () => {
    const restore = ['sql', 'restore', SERVER, '--location', 'West US', '--name']
    const names = ['twin-1', 'twin-2', 'twin-2']
    const done = await Promise.all(names.map(async (name) => await cloud.cli([...restore, name])))
    assert.deepEqual(done.map(({ code }) => code).sort(), [0, 0, 1])
    assert.match(done.find(({ code }) => code === 1)?.stderr ?? '', /'twin-2'.* is taken|twin-2 .*taken/)
    for (const name of ['twin-1', 'twin-2']) {
      assert.deepEqual((await idsOn(await cloud.server(name))).ids, ['one', 'three', 'two'])
      await cloud.ok(['sql', 'server', 'delete', name, '-q'])
    }
  })

  test('while the vault is away writes go on and that is told; when it is back nothing is missing', async () => {
    const [vault, aside] = [join(cloud.home, 'vault'), join(cloud.home, 'aside')]
    await rename(vault, aside)
    // No folder can be made there meanwhile.
    await writeFile(vault, '')
    assert.deepEqual(await cloud.insertRows(service, ['meanwhile']), ['meanwhile'])
    const isTold = async () => (/backups of sql-west-us: /.test(await cloud.ok(['status'])) ? true : undefined)
    await waitFor('the trouble to be told', isTold, SOON)
    assert.equal((await cloud.cli(['sql', 'backup', 'create', SERVER])).code, 1)
    assert.equal((await cloud.cli(['sql', 'restore', SERVER, '--name', 'no'])).code, 1)
    await rm(vault)
    await rename(aside, vault)
    await cloud.untilRestorable(SERVER)
    const found = await cloud.json<BackupsView>(['sql', 'backup', 'list', SERVER])
    assert.deepEqual([found.gaps, found.problems], [[], []])
    await waitFor('the trouble to be over', async () => ((await isTold()) ? undefined : true), SOON)
  })

  test('what is damaged is named, and the operation fails for it', async () => {
    const folder = join(cloud.home, 'vault', 'servers', SERVER, 'base')
    const [backup] = (await readdir(folder)).sort()
    const part = join(folder, backup ?? '', 'part-00001')
    const content = await readFile(part)
    content[content.length - 100] = (content[content.length - 100] ?? 0) ^ 1
    await writeFile(part, content)
    const failed = await cloud.cli(['sql', 'backup', 'verify', SERVER])
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /part-00001[\s\S]*goes around what is damaged/)
    const [operation] = await cloud.api<OperationView[]>(`/operations?server=${SERVER}&top=1`)
    assert.deepEqual([operation?.kind, operation?.state], ['verify_backups', 'failed'])
    assert.match(await cloud.ok(['sql', 'server', 'show', SERVER]), /Backups checked +.* ago: .*part-00001/)
    assert.match(await cloud.ok(['status']), /the last check of the backups of sql-west-us found: .*part-00001/)
  })

  test('a restore whose backups go meanwhile says so, and leaves nothing behind', async () => {
    await points.arm('host.restore.fetching', 'stop')
    const running = cloud.cli(['sql', 'restore', SERVER, '--location', 'East US', '--name', 'never'])
    const pid = await waitFor('the point', async () => (await points.hitBy('host.restore.fetching')) ?? undefined, SOON)
    await rm(join(cloud.home, 'vault', 'servers', SERVER), { recursive: true })
    await points.letGo(pid)
    const failed = await running
    await points.disarm()
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /backup|missing/)
    await cloud.refuses(['sql', 'server', 'show', 'never'], 2, /no server 'never'/)
  })
})
