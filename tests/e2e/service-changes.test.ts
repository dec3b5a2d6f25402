// What an operator changes about services that live: scale, keys, restarts, tables, rows; and services that come back.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type {
  AuditView,
  DryRunView,
  OperationView,
  RegionView,
  ServiceView,
  StatusView,
  TableView,
} from '../../src/contract/api.ts'
import * as Api from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { findProcesses, signalProcess, waitUntilGone } from '../../src/kit/processes.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { testAlone } from '../support/turns.ts'

describe('services that are changed', () => {
  let cloud: TestCloud

  before(async () => {
    cloud = await TestCloud.start('pair')
  })
  const stopAll = new AbortController()
  after(async () => {
    stopAll.abort()
    await cloud.dispose()
  })

  const scale = async (name: string, ...args: string[]) => ['mobile', 'scale', 'change', name, ...args]

  test('a primary is not scaled above its secondary, and the refusal names the command that makes it possible', async () => {
    await cloud.refuses(
      await scale('PrimaryService', '--mode', 'reserved'),
      3,
      /scale change SecondaryService --mode reserved --units 1/,
    )
    await cloud.refuses(await scale('PrimaryService', '--units', '2'), 2, /no units of its own/)
    await cloud.refuses(await scale('PrimaryService'), 2, /nothing to change/)
    await cloud.refuses(await scale('Nobody', '--mode', 'shared'), 2, /no mobile service/)
  })

  testAlone('scaling there and back loses no request, and the ledger follows', async () => {
    await cloud.ok(await scale('SecondaryService', '--mode', 'reserved', '--units', '2'))
    const service = await cloud.service('PrimaryService')
    const traffic = keepAsking(cloud, service, stopAll.signal)
    await cloud.ok(await scale('PrimaryService', '--mode', 'reserved', '--units', '2'))
    await cloud.refuses(
      await scale('PrimaryService', '--units', '3'),
      3,
      /its secondary 'SecondaryService' is reserved/,
    )
    await cloud.refuses(
      await scale('SecondaryService', '--units', '1'),
      3,
      /Scale the primary first|scale change Primary/,
    )
    assert.deepEqual(await reservedUsed(cloud), [2, 2])
    await cloud.ok(await scale('PrimaryService', '--units', '1'))
    await cloud.ok(await scale('PrimaryService', '--mode', 'shared'))
    await cloud.ok(await scale('SecondaryService', '--mode', 'shared'))
    const { answered, failures } = await traffic.stop()
    assert.ok(answered > 20, `only ${answered} requests`)
    assert.deepEqual(failures, [])
    assert.deepEqual(await reservedUsed(cloud), [0, 0])
    assert.match(await cloud.ok(await scale('PrimaryService', '--mode', 'shared')), /Nothing to change/)
  })

  test('of two operators who scale at once one wins and the other is told', async () => {
    const both = await Promise.all(
      ['2', '3'].map(async (units) =>
        cloud.cli(await scale('SecondaryService', '--mode', 'reserved', '--units', units)),
      ),
    )
    const lost = both.filter(({ code }) => code !== 0)
    // Whoever comes after the first has ended simply changes it again.
    assert.ok(lost.length <= 1)
    for (const { stderr } of lost) assert.match(stderr, /is in another operation/)
    await cloud.ok(await scale('SecondaryService', '--mode', 'shared'))
  })

  test('what does not fit is refused and changes nothing, and a dry run tells it before', async () => {
    await cloud.refuses(
      await scale('SecondaryService', '--mode', 'reserved', '--units', '9', '--dry-run'),
      3,
      /9 are needed/,
    )
    const shown = await cloud.ok(await scale('SecondaryService', '--mode', 'reserved', '--dry-run'))
    assert.match(shown, /SecondaryService in East US: from shared to reserved, 1 unit\(s\)\n.*Nothing was changed/)
    await cloud.refuses(await scale('SecondaryService', '--mode', 'reserved', '--units', '9'), 3, /9 are needed/)
    const { mode, operation } = await cloud.service('SecondaryService')
    assert.deepEqual([mode, operation], ['shared', null])
  })

  test('a new key opens the service at once, and the old one no longer', async () => {
    const before = await cloud.service('PrimaryService')
    const shown = await cloud.ok(['mobile', 'key', 'regenerate', 'PrimaryService', 'application', '-q'])
    const now = await cloud.service('PrimaryService')
    assert.notEqual(now.applicationKey, before.applicationKey)
    assert.match(shown, new RegExp(`New application key is ${now.applicationKey}`))
    assert.equal((await cloud.app(before, '/tables/TodoItem')).status, 401)
    assert.equal((await cloud.app(now, '/tables/TodoItem')).status, 200)
    await cloud.ok(['mobile', 'key', 'set', 'PrimaryService', 'application', before.applicationKey, '-q'])
    assert.equal((await cloud.app(before, '/tables/TodoItem')).status, 200)
    await cloud.refuses(['mobile', 'key', 'set', 'PrimaryService', 'master', 'short', '-q'], 2, /cannot be a key/)
    await cloud.refuses(['mobile', 'key', 'regenerate', 'PrimaryService', 'golden', '-q'], 2, /no key 'golden'/)
  })

  testAlone('a restart is not seen by who asks meanwhile', async () => {
    await cloud.ok(await scale('SecondaryService', '--mode', 'reserved'))
    await cloud.ok(await scale('PrimaryService', '--mode', 'reserved'))
    const traffic = keepAsking(cloud, await cloud.service('PrimaryService'), stopAll.signal)
    await cloud.ok(['mobile', 'restart', 'PrimaryService'])
    const { failures } = await traffic.stop()
    assert.deepEqual(failures, [])
  })

  test('a change waits for a runtime that is busy, and is in force when it ends', async () => {
    const before = await cloud.service('PrimaryService')
    const find = () => findProcesses('mjs runtime ', join(cloud.home, 'hosts', 'west-us'), '--name svc-primaryservice')
    // One that was just replaced may still be about to end, and counts no more.
    const isAlone = () => (find().length === 1 ? true : undefined)
    await waitFor('the runtime to be alone', isAlone, { withinMs: 20_000 })
    const runtimes = find()
    for (const pid of runtimes) signalProcess(pid, 'SIGSTOP')
    const wake = setTimeout(() => runtimes.forEach((pid) => void signalProcess(pid, 'SIGCONT')), 2_500)
    try {
      await cloud.ok(['mobile', 'key', 'regenerate', 'PrimaryService', 'application', '-q'])
    } finally {
      clearTimeout(wake)
      for (const pid of runtimes) signalProcess(pid, 'SIGCONT')
    }
    assert.equal((await cloud.app(await cloud.service('PrimaryService'), '/tables/TodoItem')).status, 200)
    await cloud.ok(['mobile', 'key', 'set', 'PrimaryService', 'application', before.applicationKey, '-q'])
  })

  test('columns, indexes and permissions of a table are changed, each told by itself', async () => {
    const update = ['mobile', 'table', 'update', 'PrimaryService', 'TodoItem']
    const shown = await cloud.ok([...update, '--addColumn', 'done=boolean,due=date', '--addIndex', 'due'])
    assert.match(shown, /Added column done\n.*Added column due\n.*Added index on due/)
    const view = await cloud.json<TableView>(['mobile', 'table', 'show', 'PrimaryService', 'TodoItem'])
    const due = view.columns?.find((column) => column.name === 'due')
    assert.deepEqual([due?.type, due?.indexed], ['timestamp(3) with time zone', true])
    const service = await cloud.service('PrimaryService')
    const body = JSON.stringify({ id: 'one', done: true, due: '2026-01-02T03:04:05.000Z' })
    assert.equal((await cloud.app(service, '/tables/TodoItem', { method: 'POST', body })).status, 201)
    await cloud.ok([...update, '--deleteIndex', 'due', '--deleteColumn', 'done', '-q', '-p', 'read=admin'])
    const answer = await cloud.app(service, '/tables/TodoItem/one')
    assert.equal(answer.status, 401)
    const rows = await cloud.json<object[]>(['mobile', 'data', 'read', 'PrimaryService', 'TodoItem'])
    assert.deepEqual(rows, [{ id: 'one', due: '2026-01-02T03:04:05.000Z' }])
    await cloud.ok([...update, '-p', 'read=application'])
    assert.equal((await cloud.app(service, '/tables/TodoItem/one')).status, 200)
  })

  test('a change that cannot be made is told, and the others are made', async () => {
    const update = ['mobile', 'table', 'update', 'PrimaryService', 'TodoItem']
    await cloud.refuses([...update, '--addColumn', 'a=number,due=string'], 1, /already has a column 'due'/)
    const view = await cloud.json<TableView>(['mobile', 'table', 'show', 'PrimaryService', 'TodoItem'])
    assert.ok(view.columns?.some((column) => column.name === 'a'))
    await cloud.refuses([...update, '--addColumn', 'b=golden'], 2, /not NAME=TYPE/)
    await cloud.refuses([...update, '--deleteColumn', '__version', '-q'], 1, /system column/)
    await cloud.refuses([...update, '--addIndex', 'nothing'], 1, /has no column 'nothing'/)
    await cloud.refuses(update, 2, /nothing to change/)
  })

  test('what is slow for want of an index is told with the command that helps, until that was given', async () => {
    await cloud.ok(['mobile', 'table', 'create', 'PrimaryService', 'Large', '-p', 'read=public'])
    const inside = await connectInside(cloud, 'west-us', 'sql-west-us')
    try {
      await inside.query(`set session_replication_role = replica;
        alter table primaryservice."Large" add text text collate mainstay.ci;
        insert into primaryservice."Large" select 'i' || n, now(), now(), n, repeat('long ', 80) || n
          from generate_series(1, 60000) n; analyze primaryservice."Large"`)
    } finally {
      await inside.end()
    }
    const service = await cloud.service('PrimaryService')
    const query = new URLSearchParams({ $filter: "substringof('long 777', text)" })
    const advice = await waitFor(
      'advice for the slow read',
      async () => {
        assert.equal((await cloud.app(service, `/tables/Large?${query}`)).status, 200)
        const view = await cloud.json<TableView>(['mobile', 'table', 'show', 'PrimaryService', 'Large'])
        return view.advice?.[0]
      },
      { withinMs: 60_000, everyMs: 1_000 },
    )
    assert.deepEqual([advice.column, advice.use], ['text', 'part of a text'])
    const shown = await cloud.ok(['mobile', 'table', 'show', 'PrimaryService', 'Large'])
    assert.match(shown, /Slow for want of an index: \d+ slow read\(s\) with a filter on text/)
    assert.match(shown, /mobile table update PrimaryService Large --addIndex text/)
    assert.doesNotMatch(shown, /777/)
    assert.equal(advice.command, 'mainstay mobile table update PrimaryService Large --addIndex text')
    const updated = await cloud.ok(advice.command.split(' ').slice(1))
    assert.doesNotMatch(updated, /want of an index/)
    await cloud.ok(['mobile', 'table', 'delete', 'PrimaryService', 'Large', '-q'])
  })

  test('a dry run says what would change, refuses what would be refused, and changes nothing', async () => {
    // Without its seal, which comes a moment later.
    const entries = async () => (await cloud.api<AuditView[]>('/audit')).map(({ link: _, hash: __, ...entry }) => entry)
    const before = await entries()
    const status = await cloud.status()
    const shown = async (args: string[]) => await cloud.ok(['mobile', ...args, '--dry-run'])
    const cases: [args: string[], words: RegExp][] = [
      [['create', 'Third', '--mode', 'reserved'], /Create 'Third' in West US, reserved with 1 unit: on west-us-1/],
      [['delete', 'PrimaryService'], /Delete 'PrimaryService' on west-us-1.*Keep its data on sql-west-us.*TodoItem/s],
      [['delete', 'PrimaryService', '-d'], /Keep its data for 30 days, then drop it: TodoItem/],
      [['delete', 'PrimaryService', '-d', '--now'], /Drop its data on sql-west-us: TodoItem/],
      [['restart', 'PrimaryService'], /Restart 'PrimaryService' on west-us-1/],
      [['key', 'regenerate', 'PrimaryService', 'master'], /Replace the master key/],
      [
        ['table', 'update', 'PrimaryService', 'TodoItem', '--addColumn', 'c=date', '--addIndex', 'c'],
        /Add column c.*index on c/s,
      ],
    ]
    for (const [args, words] of cases) {
      const said = await shown(args)
      assert.match(said, words)
      assert.match(said, /Nothing was changed/)
    }
    const plan = await cloud.json<DryRunView>(['mobile', 'restart', 'PrimaryService', '--dry-run'])
    assert.deepEqual([plan.isDryRun, plan.changes.length], [true, 1])
    await cloud.refuses(['mobile', 'create', 'PrimaryService', '--dry-run'], 1, /is taken/)
    await cloud.refuses(
      ['mobile', 'key', 'set', 'PrimaryService', 'master', 'short', '--dry-run'],
      2,
      /cannot be a key/,
    )
    await cloud.refuses(['mobile', 'restore-secondary', 'Nobody', '--dry-run'], 2, /is in the archive/)
    await cloud.refuses(
      ['mobile', 'table', 'update', 'PrimaryService', 'TodoItem', '--deleteColumn', 'id', '--dry-run'],
      2,
      /system/,
    )
    assert.deepEqual(await entries(), before)
    const names = ({ services }: StatusView) => services.map(({ name, epoch, masterKey }) => [name, epoch, masterKey])
    assert.deepEqual(names(await cloud.status()), names(status))
  })

  test('rows are deleted one by one, or all', async () => {
    const service = await cloud.service('PrimaryService')
    await cloud.insertRows(service, ['two', 'three', 'b c'])
    await cloud.ok(['mobile', 'data', 'delete', 'PrimaryService', 'TodoItem', 'b c'])
    await cloud.refuses(['mobile', 'data', 'delete', 'PrimaryService', 'TodoItem', 'nothing'], 2, /./)
    assert.deepEqual(await cloud.readIds(service), ['one', 'three', 'two'])
    const truncate = ['mobile', 'data', 'truncate', 'PrimaryService', 'TodoItem']
    assert.match(await cloud.ok(truncate, 'n\n'), /all 3 rows.*Nothing was changed/s)
    assert.match(await cloud.ok(truncate, 'y\n'), /Deleted 3 rows/)
    assert.deepEqual(await cloud.readIds(service), [])
    assert.match(await cloud.ok(truncate, 'y\n'), /no rows in the table/)
  })

  test('every change is in the audit, and every operation in the list', async () => {
    const changes = await cloud.json<AuditView[]>(['audit', 'list', '--subject', 'PrimaryService', '--top', '100'])
    const actions = new Set(changes.map((change) => change.action))
    for (const action of ['mobile create', 'mobile scale change', 'mobile key application', 'mobile restart']) {
      assert.ok(actions.has(action), action)
    }
    assert.ok(changes.every((change) => change.principal === 'operator'))
    assert.doesNotMatch(JSON.stringify(changes), new RegExp((await cloud.service('PrimaryService')).masterKey))
    const [newest] = await cloud.json<OperationView[]>(['operation', 'list', '--service', 'primaryservice'])
    assert.equal(newest?.kind, 'scale')
    assert.match(await cloud.ok(['operation', 'show', newest?.id ?? '']), /Starting what it needs/)
    assert.match(await cloud.ok(['operation', 'watch', newest?.id ?? '']), /succeeded/)
    await cloud.refuses(['operation', 'show', 'nothing'], 2, /no operation/)
  })

  test('answers hold what their schemas name, and nothing else', async () => {
    const [operation] = await cloud.api<OperationView[]>('/operations')
    const answers: [path: string, schema: TSchema][] = [
      ['/status', Api.StatusView],
      ['/regions', Api.RegionView],
      ['/services', Api.ServiceView],
      ['/services/PrimaryService', Api.ServiceView],
      ['/services/PrimaryService/tables', Api.TableView],
      ['/services/PrimaryService/scripts', Api.ScriptView],
      ['/servers', Api.ServerView],
      ['/servers/sql-west-us', Api.ServerView],
      ['/machines', Api.MachineView],
      ['/operations', Api.OperationView],
      [`/operations/${operation?.id}`, Api.OperationView],
      ['/audit', Api.AuditView],
      ['/archives', Api.ArchiveView],
    ]
    for (const [path, schema] of answers) {
      const answer = await cloud.api<unknown>(path)
      for (const one of Array.isArray(answer) ? answer : [answer]) {
        assert.deepEqual([path, ...Value.Errors(schema, one)], [path])
        assert.deepEqual(Value.Clean(schema, structuredClone(one)), one, path)
      }
    }
  })

  test('a secondary made after the disaster recovers its primary', async () => {
    await cloud.insertRows(await cloud.service('PrimaryService'), ['kept'])
    await cloud.ok(['mobile', 'delete', 'SecondaryService', '-q'])
    await cloud.ok(['mobile', 'create', 'Fitting', '--location', 'East US', '--mode', 'reserved'])
    await cloud.ok(['mobile', 'create', 'Other', '--location', 'West US'])
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 15_000)
    await cloud.untilState('Other', 'Unhealthy', 15_000)
    const next = (await cloud.service('Other')).health.next
    assert.match(next ?? '', /mobile create Other-2 --location "East US" --secondary-for Other/)
    await cloud.ok(['mobile', 'create', 'Other-2', '--location', 'East US', '--secondary-for', 'Other'])
    await cloud.ok(['mobile', 'recover', 'Other', 'Other-2', '-q'])
    assert.equal((await cloud.service('Other')).region, 'East US')
  })

  test('a fitting service that was never declared a secondary recovers a primary', async () => {
    await cloud.ok(['mobile', 'recover', 'PrimaryService', 'Fitting', '-q'])
    const service = await cloud.service('PrimaryService')
    assert.deepEqual([service.region, service.health.state], ['East US', 'Ready'])
    assert.deepEqual(await cloud.readIds(service), ['kept'])
  })

  test('the consumed secondary is brought back from the archive, in the region that returned', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await waitFor(
      'West US to take services',
      async () => ((await cloud.api<RegionView[]>('/regions'))[0]?.health.state === 'Ready' ? true : undefined),
      { withinMs: 30_000, everyMs: 100 },
    )
    assert.match(await cloud.ok(['mobile', 'archive', 'list']), /Other-2 .*consumed by the recovery of Other/)
    await cloud.refuses(['mobile', 'restore-secondary', 'Nobody'], 2, /in the archive/)
    const shown = await cloud.ok(['mobile', 'restore-secondary', 'Other-2'])
    assert.match(shown, /Secondary for +Other/)
    const back = await cloud.service('Other-2')
    assert.deepEqual([back.region, back.secondaryFor, back.health.state], ['West US', 'Other', 'Ready'])
    await cloud.refuses(['mobile', 'restore-secondary', 'Other-2'], 2, /in the archive/)
    // What was kept of a deleted one comes back with its rows, however long its last runtime takes to end.
    const [old] = findProcesses(cloud.home, 'mjs runtime', 'svc-primaryservice')
    assert.ok(old)
    signalProcess(old, 'SIGSTOP')
    await cloud.ok(['mobile', 'delete', 'PrimaryService', '-q'])
    await cloud.ok(['mobile', 'restore-secondary', 'PrimaryService', '--location', 'East US'])
    const restored = await cloud.service('PrimaryService')
    signalProcess(old, 'SIGCONT')
    await waitUntilGone(old, 20_000)
    // Over a new connection: one that is open already would not notice.
    assert.deepEqual(await cloud.readIds(restored), ['kept'])
  })
})

async function reservedUsed(cloud: TestCloud): Promise<number[]> {
  return (await cloud.api<RegionView[]>('/regions')).map((region) => region.reservedUnitsUsed)
}

// Asks one request after the other until it is stopped, and keeps what was not answered as it should be.
function keepAsking(cloud: TestCloud, service: ServiceView, signal: AbortSignal) {
  let isStopped = false
  let answered = 0
  const failures: string[] = []
  const asking = (async () => {
    while (!isStopped && !signal.aborted) {
      try {
        const answer = await cloud.app(service, '/tables/TodoItem?$top=1')
        await answer.arrayBuffer()
        answered += 1
        if (answer.status !== 200) failures.push(String(answer.status))
      } catch (error) {
        failures.push(String(error))
      }
    }
  })()
  return {
    async stop() {
      isStopped = true
      await asking
      return { answered, failures }
    },
  }
}
