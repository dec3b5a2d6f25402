// Services, tables and rows through the CLI, as an operator works with them on a good day; and what is refused.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ArchiveView, MachineView, MeasuresView, ServiceView, UsageView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { TestCloud } from '../support/cloud.ts'

describe('on a good day', () => {
  let cloud: TestCloud

  let folder: string

  before(async () => {
    cloud = await TestCloud.start()
    folder = await mkdtemp(join(tmpdir(), 'mainstay-rows-'))
  })
  after(async () => {
    await cloud?.dispose()
    await removeTree(folder)
  })

  const usageOf = async (name: string) => await cloud.json<UsageView>(['mobile', 'usage', name, '--over', '1h'])

  test('an empty cloud says how to begin', async () => {
    assert.match(await cloud.ok(['mobile', 'list']), /No mobile services created yet/)
    assert.match(await cloud.ok(['mobile', 'locations']), /West US \(default\)\n.*East US/)
  })

  test('create prints URL, key, and a curl line that works', async () => {
    const shown = await cloud.ok(['mobile', 'create', 'Todo', '--mode', 'reserved', '--units', '2'])
    const service = await cloud.service('Todo')
    assert.equal(service.region, 'West US')
    assert.match(shown, new RegExp(service.applicationKey))
    await cloud.ok(['mobile', 'table', 'create', 'Todo', 'Item', '-p', 'insert=application,read=public,*=admin'])
    const answer = await fetch(`${service.pathUrl}tables/Item`, { signal: AbortSignal.timeout(5_000) })
    assert.deepEqual([answer.status, await answer.json()], [200, []])
  })

  test('a service is found by its host name, and by its path in any case', async () => {
    const service = await cloud.service('Todo')
    const url = `${cloud.gatewayUrl}/services/TODO/tables/item`
    assert.equal((await fetch(url, { signal: AbortSignal.timeout(5_000) })).status, 200)
    const { request } = await import('node:http')
    const status = await new Promise<number>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: cloud.port,
        path: '/tables/Item',
        headers: { host: new URL(service.url).host },
      }
      request(options, (answer) => resolve(answer.resume().statusCode ?? 0))
        .on('error', reject)
        .end()
    })
    assert.equal(status, 200)
  })

  test('a row inserted by an app has its place in the path form, and is read as JSON by the operator', async () => {
    const service = await cloud.service('Todo')
    const body = JSON.stringify({ id: 'a b', text: 'milk', done: false, count: 2 })
    const answer = await cloud.app(service, '/tables/Item', { method: 'POST', body })
    assert.equal(answer.status, 201)
    assert.match(answer.headers.get('location') ?? '', /\/services\/todo\/tables\/Item\/a%20b$/)
    const rows = await cloud.json<Record<string, unknown>[]>(['mobile', 'data', 'read', 'Todo', 'Item'])
    assert.deepEqual(
      rows.map(({ id, text, done, count }) => ({ id, text, done, count })),
      [{ id: 'a b', text: 'milk', done: false, count: 2 }],
    )
    assert.match(await cloud.ok(['mobile', 'table', 'show', 'Todo', 'Item']), /text/)
  })

  test('an operator inserts and changes rows, and is refused what somebody has changed meanwhile', async () => {
    const [insert, update] = [
      ['mobile', 'data', 'insert', 'Todo', 'Item'],
      ['mobile', 'data', 'update', 'Todo', 'Item'],
    ]
    assert.deepEqual(await cloud.json([...insert, '{"id":"eggs","text":"eggs","count":6}']), { id: 'eggs' })
    await cloud.refuses([...insert, '{"id":"eggs"}'], 2, /exists/)
    await cloud.refuses([...insert, '[1]'], 2, /no JSON object/)
    await cloud.refuses([...insert, '{"count":{"a":1}}'], 2, /not a supported type/)
    const first = await cloud.json<Record<string, unknown>>([...update, 'eggs', '{"count":12}'])
    assert.deepEqual([first.count, typeof first.__version], [12, 'string'])
    await cloud.ok([...update, 'eggs', '{"done":true}'])
    const late = [...update, 'eggs', '{"count":1}', '--if-version', String(first.__version)]
    await cloud.refuses(late, 1, /was changed since it was read/)
    await cloud.refuses([...update, 'nothing', '{"count":1}'], 2, /./)
    const rows = await cloud.json<Record<string, unknown>[]>(['mobile', 'data', 'read', 'Todo', 'Item', '$orderby=id'])
    assert.deepEqual(
      rows.map(({ id, count, done }) => [id, count, done]),
      [
        ['a b', 2, false],
        ['eggs', 12, true],
      ],
    )
    const noted = await cloud.json<{ action: string; after: unknown }[]>(['audit', 'list', '--subject', 'Todo/Item'])
    assert.deepEqual(
      noted.slice(0, 3).map(({ action, after }) => [action, after]),
      [
        ['mobile data update', { id: 'eggs', columns: ['done'] }],
        ['mobile data update', { id: 'eggs', columns: ['count'] }],
        ['mobile data insert', { id: 'eggs' }],
      ],
    )
  })

  test('with soft delete a row that is deleted can be brought back, until it is switched off', async () => {
    const table = ['mobile', 'table']
    await cloud.ok([...table, 'create', 'Todo', 'Note', '--softDelete'])
    assert.match(await cloud.ok([...table, 'show', 'Todo', 'Note']), /Soft delete +on/)
    assert.match(await cloud.ok([...table, 'show', 'Todo', 'Item']), /Soft delete +off/)
    const service = await cloud.service('Todo')
    const ask = async (method: string, path: string, body?: object) =>
      (await cloud.app(service, path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })).status
    assert.equal(await ask('POST', '/tables/Note', { id: 'a' }), 201)
    assert.equal(await ask('DELETE', '/tables/Note/a'), 204)
    assert.equal(await ask('GET', '/tables/Note/a'), 404)
    const all = ['mobile', 'data', 'read', 'Todo', 'Note', '__includeDeleted=true&$select=id,__deleted']
    assert.deepEqual(await cloud.json(all), [{ id: 'a', __deleted: true }])
    assert.equal(await ask('POST', '/tables/Note/a'), 200)
    assert.equal(await ask('GET', '/tables/Note/a'), 200)
    assert.equal(await ask('DELETE', '/tables/Note/a'), 204)
    const off = [...table, 'update', 'Todo', 'Note', '--softDelete', 'off']
    assert.match(await cloud.ok([...off, '--dry-run']), /take away all that are marked/)
    const declined = await cloud.cli(off, 'n\n')
    assert.match(declined.stdout, /all rows that are marked as deleted\?[\s\S]*Nothing was changed/)
    assert.match(await cloud.ok([...off, '-q']), /Soft delete is off[\s\S]*Rows +0/)
    await cloud.refuses([...table, 'update', 'Todo', 'Note', '--softDelete', 'maybe'], 2, /neither on nor off/)
    assert.match(await cloud.ok([...table, 'update', 'Todo', 'Item', '--softDelete', 'on']), /Soft delete +on/)
    await cloud.ok([...table, 'update', 'Todo', 'Item', '--softDelete', 'off', '-q'])
  })

  test('apps of the second generation need no key, until the service asks for it', async () => {
    const url = `${cloud.gatewayUrl}/services/todo/tables/Note`
    const ask = async () => {
      const answer = await fetch(url, { headers: { 'zumo-api-version': '2.0.0' } })
      return [answer.status, await answer.text()] as const
    }
    assert.deepEqual(await ask(), [200, '[]'])
    assert.match(await cloud.ok(['mobile', 'config', 'list', 'Todo']), /applicationKeyRequired +false/)
    const pages = ['mobile', 'config', 'set', 'Todo', 'crossDomainWhitelist']
    await cloud.refuses([...pages, 'https://app.example.test'], 2, /is no host name of a page/)
    assert.match(await cloud.ok([...pages, 'app.example.test,*.example.org']), /app\.example\.test,\*\.example\.org/)
    assert.match(await cloud.ok([...pages, 'nobody']), /crossDomainWhitelist nobody/)
    await cloud.refuses(['mobile', 'config', 'set', 'Todo', 'bodyLimitKB', '9000'], 2, /Give a number from 1 to 8192/)
    const set = ['mobile', 'config', 'set', 'Todo', 'applicationKeyRequired']
    await cloud.refuses([...set, 'perhaps'], 2, /applicationKeyRequired takes true or false/)
    await cloud.ok([...set, 'true'])
    assert.deepEqual(await ask(), [401, 'You must be logged in to use this application'])
    await cloud.ok([...set, 'false'])
    assert.equal((await ask())[0], 200)
  })

  test('rows go to a file and come back from it; what cannot is told by its place, and keeps nothing else out', async () => {
    const file = join(folder, 'items.csv')
    const to = ['mobile', 'data', 'export', 'Todo', 'Item', '-o', file]
    assert.match(await cloud.ok(to), /2 row\(s\) in/)
    await cloud.refuses(to, 2, /is there/)
    const from = ['mobile', 'data', 'import', 'Todo', 'Item', file]
    await cloud.refuses(from, 2, /2 of 2 rows were refused, 0 inserted[\s\S]*row 2: .*exists/)
    // Longer than a batch, with a line that is no row in each.
    const many = Array.from({ length: 1_100 }, (_, index) =>
      index % 500 === 7 ? `m${index},"x",many,false` : `m${index},"text ""${index}"",\nsecond line",${index},true`,
    )
    await writeFile(file, `\uFEFFid,text,count,done\r\n${many.join('\r\n')}\r\n\r\n`)
    await cloud.refuses([...from, '--dry-run'], 2, /3 of 1,100 rows were refused, 0 inserted[\s\S]*row 9: 'many' in/)
    await cloud.refuses(from, 2, /3 of 1,100 rows were refused, 1,097 inserted/)
    await cloud.ok([...to, '--override'])
    const text = await readFile(file, 'utf8')
    assert.match(text, /^id,text,done,count\r\n|^id,text,count,done\r\n/)
    assert.match(text, /\r\nm1099,"text ""1099"",\nsecond line",/)
    await cloud.ok(['mobile', 'data', 'truncate', 'Todo', 'Item', '-q'])
    assert.match(await cloud.ok(from), /1,099 row\(s\) inserted/)
    const part = ['mobile', 'data', 'export', 'Todo', 'Item', '-o', join(folder, 'part.csv'), '--filter']
    assert.match(await cloud.ok([...part, "count ge 1090 and startswith(id,'M')"]), / 10 row\(s\) in/)
    await cloud.refuses([...part, 'count ge', '--override'], 2, /Expression expected \(at index 8\)/)
    await cloud.refuses([...part, 'coutn ge 1', '--override'], 2, /Invalid column name/)
    for (const [content, wrong] of [
      ['', /must name the columns/],
      ['id,id\r\n1,2', /named twice/],
      ['id,text\r\n1,2,3', /row 2: it has 3 cells, not 2/],
    ] as const) {
      await writeFile(file, content)
      await cloud.refuses(from, 2, wrong)
    }
    await cloud.refuses(
      ['mobile', 'data', 'import', 'Todo', 'Item', join(folder, 'none.csv')],
      2,
      /cannot read .*none\.csv: ENOENT/,
    )
  })

  test('what apps asked is counted: requests, errors, latency, bytes, devices', async () => {
    const service = await cloud.service('Todo')
    const before = await usageOf('Todo')
    for (const device of ['one', 'two', 'one']) {
      await cloud.app(service, '/tables/Item?$top=1', { headers: { 'x-zumo-installation-id': device } })
    }
    const isCounted = async () => {
      const { total } = await usageOf('Todo')
      return total.requests >= before.total.requests + 3 && total.devices >= 2 ? total : undefined
    }
    const total = await waitFor('the requests to be counted', isCounted, { withinMs: 40_000, everyMs: 200 })
    assert.deepEqual([total.devices, total.errors], [2, 0])
    assert.ok(total.bytesOut > 300 && total.medianMs !== null && total.p99Ms !== null && total.p99Ms >= total.medianMs)
    assert.match(await cloud.ok(['mobile', 'usage', 'Todo', '--over', '1h']), /Requests +\d+\n[\s\S]*Devices +2\n/)
    await cloud.refuses(['mobile', 'usage', 'Todo', '--over', '2h'], 2, /--over 1h, 6h/)
    const isMeasured = async () => {
      const { series } = await cloud.json<MeasuresView>(['sql', 'server', 'measures', 'sql-west-us', '--over', '1h'])
      return series.some(({ measure }) => measure === 'standby_lag_ms') ? series : undefined
    }
    const series = await waitFor('the server to be measured', isMeasured, { withinMs: 40_000, everyMs: 200 })
    for (const { points } of series) for (const { low, mean, high } of points) assert.ok(low <= mean && mean <= high)
    const machines = await cloud.json<MachineView[]>(['machine', 'list'])
    const gateway = machines.find(({ role }) => role === 'gateway')?.name ?? ''
    assert.match(await cloud.ok(['machine', 'measures', gateway, '--over', '1h']), /Busy/)
    await cloud.refuses(['machine', 'measures', 'nobody'], 2, /no machine/)
  })

  test('headers and cookies of ours from outside reach nobody', async () => {
    const service = await cloud.service('Todo')
    const headers = { 'x-mainstay-internal': '1', 'x-mainstay-epoch': '1', 'x-mainstay-service': 'other' }
    const health = await cloud.app(service, '/.mainstay/health', { headers })
    assert.equal(health.status, 404)
    assert.equal((await cloud.app(service, '/tables/Item', { headers })).status, 200)
    const probe = await cloud.app(service, '/.mainstay/probe', { method: 'POST', body: '{"token":"x"}' })
    assert.equal(probe.status, 401)
  })

  test('wrong names, sizes and places are refused, and nothing is created', async () => {
    await cloud.refuses(['mobile', 'create', 'a'], 2, /2 to 48/)
    await cloud.refuses(['mobile', 'create', '-x-'], 2, /./)
    await cloud.refuses(['mobile', 'create', 'Todo'], 1, /is taken/)
    await cloud.refuses(['mobile', 'create', 'Mars', '--location', 'Mars'], 2, /no region "Mars"/)
    await cloud.refuses(['mobile', 'create', 'Big', '--mode', 'reserved', '--units', '3'], 3, /2 reserved units free/)
    await cloud.refuses(['mobile', 'create', 'Odd', '--mode', 'shared', '--units', '2'], 2, /no units/)
    await cloud.refuses(['mobile', 'create', 'Odd', '--mode', 'golden'], 2, /golden|mode/)
    await cloud.refuses(['mobile', 'create', 'Odd', '--units', 'many'], 2, /./)
    await cloud.refuses(['mobile', 'table', 'create', 'Todo', 'bad name'], 2, /cannot be the name of a table/)
    await cloud.refuses(['mobile', 'table', 'create', 'Todo', 'ITEM'], 1, /already has a table/)
    await cloud.refuses(['mobile', 'table', 'show', 'Todo', 'Nothing'], 2, /no table/)
    await cloud.refuses(['mobile', 'show', 'Nobody'], 2, /no mobile service/)
    await cloud.refuses(['sql', 'server', 'show', 'nothing'], 2, /no server/)
    const names = (await cloud.api<ServiceView[]>('/services')).map((service) => service.name)
    assert.deepEqual(names, ['Todo'])
  })

  test('a secondary must be elsewhere, as high, as large, and the only one', async () => {
    const secondary = ['mobile', 'create', 'Spare', '--secondary-for', 'Todo']
    await cloud.refuses([...secondary, '--location', 'West US'], 3, /West US itself/)
    await cloud.refuses([...secondary, '--mode', 'shared'], 3, /must be reserved/)
    await cloud.refuses([...secondary, '--mode', 'reserved', '--units', '1'], 3, /must have as many/)
    await cloud.ok(secondary)
    const spare = await cloud.service('Spare')
    assert.deepEqual([spare.region, spare.mode, spare.units, spare.secondaryFor], ['East US', 'reserved', 2, 'Todo'])
    await cloud.refuses(['mobile', 'create', 'Spare2', '--secondary-for', 'Todo'], 3, /has a secondary already/)
    await cloud.refuses(
      ['mobile', 'create', 'Spare2', '--location', 'West US', '--secondary-for', 'Spare'],
      3,
      /secondary itself/,
    )
  })

  test('capacity is shown, set, and never set below what is promised', async () => {
    await cloud.refuses(
      ['region', 'set', 'West US', '--reserved-units', '1'],
      3,
      /2 reserved units of West US are promised/,
    )
    await cloud.ok(['region', 'set', 'West US', '--reserved-units', '6'])
    assert.match(await cloud.ok(['region', 'list']), /West US.*2 of 6/)
  })

  test('delete keeps the data unless told otherwise, and the name is free again', async () => {
    await cloud.ok(['mobile', 'delete', 'Spare', '-q'])
    await cloud.refuses(['mobile', 'show', 'Spare'], 2, /no mobile service/)
    const before = await cloud.service('Todo')
    await cloud.ok(['mobile', 'delete', 'Todo', '-q'])
    assert.equal((await cloud.app(before, '/tables/Item')).status, 404)
    await cloud.ok(['mobile', 'create', 'Todo', '--mode', 'reserved', '--units', '2'])
    const now = await cloud.service('Todo')
    assert.notEqual(now.applicationKey, before.applicationKey)
    assert.deepEqual(now.tables, [])
    const shown = await cloud.ok(['mobile', 'delete', 'Todo', '-q', '--deleteData'])
    assert.match(shown, /kept until 20.*\n.*mainstay mobile restore-deleted Todo/)
    assert.deepEqual(await cloud.api<ServiceView[]>('/services'), [])
    assert.match(await cloud.ok(['region', 'list']), /West US.*0 of 6/)
  })

  test('what was deleted with its data comes back whole; what is to go at once does not', async () => {
    await cloud.ok(['mobile', 'create', 'Draft'])
    await cloud.ok(['mobile', 'table', 'create', 'Draft', 'Page'])
    const before = await cloud.service('Draft')
    assert.equal((await cloud.app(before, '/tables/Page', { method: 'POST', body: '{"id":"kept"}' })).status, 201)
    await cloud.ok(['mobile', 'delete', 'Draft', '-q', '--deleteData'])
    await cloud.ok(['mobile', 'restore-deleted', 'Draft'])
    const back = await cloud.service('Draft')
    assert.equal(back.applicationKey, before.applicationKey)
    const rows = (await (await cloud.app(back, '/tables/Page')).json()) as { id: string }[]
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['kept'],
    )
    await cloud.ok(['mobile', 'delete', 'Draft', '-q', '--deleteData', '--now'])
    await cloud.refuses(['mobile', 'restore-deleted', 'Draft'], 2, /no mobile service 'Draft' is in the archive/)
    // The newer of the two that had the name; the older is left.
    await cloud.ok(['mobile', 'archive', 'delete', 'Todo', '-q'])
    const left = (await cloud.api<ArchiveView[]>('/archives')).filter(({ name }) => name === 'Todo')
    assert.deepEqual(
      left.map(({ dropDataAt }) => dropDataAt),
      [null],
    )
  })

  test('a table that is deleted is gone for apps at once', async () => {
    await cloud.ok(['mobile', 'create', 'Notes'])
    await cloud.ok(['mobile', 'table', 'create', 'Notes', 'Page'])
    const service = await cloud.service('Notes')
    assert.equal((await cloud.app(service, '/tables/Page', { method: 'POST', body: '{"a":1}' })).status, 201)
    await cloud.ok(['mobile', 'table', 'delete', 'Notes', 'Page', '-q'])
    assert.equal((await cloud.app(service, '/tables/Page')).status, 404)
    await cloud.ok(['mobile', 'table', 'create', 'Notes', 'Page'])
    assert.deepEqual(await (await cloud.app(service, '/tables/Page')).json(), [])
  })

  test('a service that is well moves with --force only, without losing a row or a key', async () => {
    await cloud.ok(['mobile', 'create', 'Notes-2', '--secondary-for', 'Notes'])
    const before = await cloud.service('Notes')
    assert.equal((await cloud.app(before, '/tables/Page', { method: 'POST', body: '{"id":"kept"}' })).status, 201)
    await cloud.refuses(['mobile', 'recover', 'Notes', 'Notes-2', '-q'], 3, /is Ready, not Unhealthy/)
    const shown = await cloud.ok(['mobile', 'recover', 'Notes', 'Notes-2', '-q', '--force'])
    assert.match(shown, /kept: sql-west-us stays where it is/)
    const now = await cloud.service('Notes')
    assert.deepEqual([now.region, now.serverRegion, now.applicationKey], ['East US', 'West US', before.applicationKey])
    const rows = (await (await cloud.app(now, '/tables/Page')).json()) as { id: string }[]
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['kept'],
    )
  })

  test('traffic counts what it wrote and finds it all', async () => {
    const shown = await cloud.ok(['dev', 'traffic', 'Notes', '--for', '2', '--table', 'Page'])
    assert.match(shown, /acked \d+ · lost 0/)
  })
})
