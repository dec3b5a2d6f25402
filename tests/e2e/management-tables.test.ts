// Tables, rows, settings and logs of a service that is served, by the original's management protocol. Shapes and statuses
// are those that were captured of the original.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { AzureClient, type ToolAnswer, type ToolCall } from '../support/azure-client.ts'
import { freePort, TestCloud } from '../support/cloud.ts'

describe('tables by the original’s management protocol', () => {
  let cloud: TestCloud
  let tool: AzureClient
  let olderTool: AzureClient

  before(async () => {
    cloud = await TestCloud.start('pair', { env: { MAINSTAY_MANAGEMENT_PORT: String(await freePort()) } })
    const { certificate: authority } = await cloud.api<{ certificate: string }>('/authority')
    const { id: subscription, endpoint } = await cloud.api<{ id: string; endpoint: string }>('/subscription')
    const token = (await readFile(join(cloud.home, 'operator.token'), 'utf8')).trim()
    const about = { endpoint, subscription, identity: { token }, authority }
    tool = new AzureClient({ ...about, dialect: 'newer' })
    olderTool = new AzureClient({ ...about, dialect: 'older' })
  })
  after(async () => await cloud.dispose())

  const does = async (verb: string, path: string, status: number, call: ToolCall = {}): Promise<ToolAnswer> => {
    const answer = await tool.mobile(verb, `/primaryservice${path}`, call)
    assert.equal(answer.status, status, `${verb} ${path}: ${answer.text}`)
    return answer
  }
  const gets = async (path: string) => (await does('GET', path, 200)).json
  const refuses = async (verb: string, path: string, status: number, message: RegExp, call: ToolCall = {}) => {
    const { json } = await does(verb, path, status, call)
    assert.match((json as { message: string }).message, message)
  }
  const columnsOf = async (table: string) => {
    const columns = (await gets(`/tables/${table}/columns`)) as { name: string; type: string; indexed: boolean }[]
    return Object.fromEntries(columns.map(({ name, type, indexed }) => [name, indexed ? `${type}, indexed` : type]))
  }
  const insert = async (rows: object[]) => {
    const service = await cloud.service('PrimaryService')
    for (const row of rows) {
      const init = { method: 'POST', body: JSON.stringify(row), headers: { 'x-zumo-master': service.masterKey } }
      assert.equal((await cloud.app(service, '/tables/Orders', init)).status, 201)
    }
  }

  test('a table is made, and told with its counts', async () => {
    const permissions = { insert: 'user', read: 'public', update: 'application', delete: 'admin' }
    const made = await does('POST', '/tables', 201, { body: { ...permissions, name: 'Orders', idType: 'string' } })
    const { location } = made.json as { location: string }
    assert.match(location, /^https:\/\/.*\/mobileservices\/primaryservice\/tables\/Orders$/)
    await refuses('POST', '/tables', 409, /already has a table/, { body: { name: 'orders' } })
    const shown = (await gets('/tables/ORDERS')) as { metrics: { sizeBytes: number } }
    const { sizeBytes } = shown.metrics
    assert.deepEqual(shown, {
      ...{ name: 'Orders', idType: 'string', hasDeleted: false, selflink: location },
      metrics: { indexCount: 2, recordCount: 0, sizeBytes },
    })
    // Two indexes and what long texts are kept in, a page each.
    assert.ok(sizeBytes >= 3 * 8_192, String(sizeBytes))
    const { selflink, ...told } = (await gets('/tables/orders/permissions')) as Record<string, unknown>
    assert.deepEqual(told, permissions)
    const changed = { selflink, ...permissions, read: 'user' }
    assert.deepEqual((await does('PUT', '/tables/orders/permissions', 200, { body: changed })).json, changed)
  })

  test('columns and indexes come and go, with empty answers', async () => {
    const own = {
      id: 'string, indexed',
      __createdAt: 'date',
      __updatedAt: 'date, indexed',
      __version: 'bigint (MSSQL)',
    }
    assert.deepEqual(await columnsOf('orders'), own)
    for (const [column, type] of [
      ['price', 'number'],
      ['place', 'string'],
      ['__deleted', 'auto'],
      ['__version', 'auto'],
    ]) {
      assert.equal((await does('POST', `/tables/orders/columns/${column}`, 201, { body: { type } })).text, '')
    }
    assert.equal((await does('PUT', '/tables/orders/indexes/place', 201)).text, '')
    const more = { price: 'number', place: 'string, indexed', __deleted: 'boolean' }
    assert.deepEqual(await columnsOf('orders'), { ...own, ...more })
    assert.equal(((await gets('/tables/orders')) as { hasDeleted: boolean }).hasDeleted, true)
    await refuses('POST', '/tables/orders/columns/price', 409, /already has a column/, { body: { type: 'string' } })
    await refuses('PUT', '/tables/orders/indexes/nothing', 404, /has no column/)
    await refuses('DELETE', '/tables/orders/columns/id', 400, /system column/)
    assert.equal((await does('DELETE', '/tables/orders/indexes/place', 204)).text, '')
    await does('DELETE', '/tables/orders/columns/price', 204)
    await does('DELETE', '/tables/orders/columns/__deleted', 204)
    assert.deepEqual(await columnsOf('orders'), { ...own, place: 'string' })
    const older = await olderTool.mobile('GET', '/primaryservice/tables/orders/columns')
    assert.match(older.text, /"bigint\(MSSQL\)"/)
  })

  test('rows are read with their system columns, deleted one by one, and truncated in two steps', async () => {
    await insert([1, 2, 3].map((one) => ({ id: `r${one}`, place: `p${one}` })))
    const [row, ...others] = (await gets('/tables/orders/data?%24top=2&%24skip=1')) as Record<string, unknown>[]
    assert.deepEqual(Object.keys(row ?? {}).sort(), ['__createdAt', '__updatedAt', '__version', 'id', 'place'])
    assert.deepEqual([row?.id, others.length], ['r2', 1])
    const found = (await gets(`/tables/orders/data?%24filter=place%20eq%20'p3'`)) as { id: string }[]
    assert.deepEqual(
      found.map(({ id }) => id),
      ['r3'],
    )
    await refuses('GET', '/tables/orders/data?%24filter=place%20eq', 400, /./)
    assert.equal((await does('DELETE', '/tables/orders/data?id=r1', 204)).text, '')
    await refuses('DELETE', '/tables/orders/data?id=r1', 404, /r1/)
    const asked = await does('POST', '/tables/orders/truncate', 200, { body: { confirm: false } })
    assert.deepEqual(asked.json, { didTruncate: false, rowCount: 2 })
    const done = await does('POST', '/tables/orders/truncate', 200, { body: { confirm: true } })
    assert.deepEqual(done.json, { didTruncate: true, rowCount: 2 })
    assert.deepEqual(await gets('/tables/orders/data'), [])
  })

  test('integer ids are shown as the original showed them', async () => {
    await does('POST', '/tables', 201, { body: { name: 'Ints', idType: 'integer', insert: 'public' } })
    assert.deepEqual(await columnsOf('ints'), { id: 'bigint (MSSQL), indexed' })
    await does('DELETE', '/tables/INTS', 204)
    await refuses('GET', '/tables/ints', 404, /has no table/)
    await refuses('DELETE', '/tables/ints', 404, /has no table/)
  })

  test('settings take effect, together with those of apps', async () => {
    const before = (await gets('/settings')) as object
    const sent = {
      ...before,
      dynamicSchemaEnabled: false,
      crossDomainWhitelist: [{ host: 'localhost' }, { host: '*.example.com' }],
      customApplicationSettings: [{ name: 'Greeting', value: 'hello' }],
    }
    const { etag } = (await does('GET', '/settings', 200)).headers
    await does('PATCH', '/settings', 200, { body: sent, headers: { 'if-match': String(etag) } })
    assert.deepEqual(await gets('/settings'), sent)
    const refused = await cloud.service('PrimaryService').then((service) =>
      cloud.app(service, '/tables/Orders', {
        ...{ method: 'POST', body: '{"other":1}', headers: { 'x-zumo-master': service.masterKey } },
      }),
    )
    assert.equal(refused.status, 400)
    await does('PATCH', '/settings', 200, { body: before })
  })

  test('what scripts say is read by type, by source, and page by page', async () => {
    const text = `function insert(item, user, request) {
      console.log(process.env.Greeting || 'no greeting');
      if (item.place === 'p9') console.error('boom');
      request.execute();
    }`
    await does('PUT', '/tables/orders/scripts/insert/code', 201, { body: text })
    await insert([{ id: 'a' }, { id: 'b', place: 'p9' }])
    type Page = { results: { type: string; source: string; message: string }[]; continuationToken?: string }
    const logs = async (query: Record<string, string>) => (await gets(`/logs?${new URLSearchParams(query)}`)) as Page
    const isSaid = async () => ((await logs({ $top: '10' })).results.length === 3 ? true : undefined)
    await waitFor('the log', isSaid, { withinMs: 10_000, everyMs: 100 })
    const { results, continuationToken } = await logs({ $top: '1' })
    assert.equal(results.length, 1)
    const rest = await logs({ $top: '10', continuationToken: continuationToken ?? '' })
    assert.deepEqual([rest.results.length, rest.continuationToken], [2, undefined])
    const source = '/table/Orders.insert.js'
    const errors = await logs({ $filter: `Type eq 'error' and Source eq '${source}'` })
    assert.deepEqual(
      errors.results.map((line) => ({ ...line, timeCreated: '' })),
      [{ timeCreated: '', type: 'error', source, message: 'boom' }],
    )
    assert.deepEqual(await logs({ $filter: "Source eq '/api/nothing.js'" }), { results: [] })
  })
})
