// The table protocol of the second generation against a running runtime over a real PostgreSQL: whole rows under plain
// names, their tags and links, conflicts, and one set of rows for both generations.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const SECOND = { 'zumo-api-version': '2.0.0' }
const SCRIPTS = {
  'Upper.insert': 'function insert(item, user, request) { item.text = item.text.toUpperCase(); request.execute(); }',
  'Mine.read': `function read(query, user, request) {
    query.where({ owner: 'me' });
    request.execute({ success: function (rows) {
      rows.forEach(function (row) { row.seen = true; });
      request.respond();
    } });
  }`,
  'Quiet.read': 'function read(query, user, request) { query.where({ owner: "me" }); request.execute(); }',
  'Touched.update': 'function update(item, user, request) { item.by = user.level; request.execute(); }',
}
type Row = { id: string; createdAt: string; updatedAt: string; version: string; deleted?: boolean; text?: string }

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService
let keyed: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'second')
  const plain = Object.fromEntries(['Item', 'Pages', 'Soft', 'Own', 'Ids'].map((name) => [`${name}.read`, '']))
  service = await addScripted(postgres, 'todo', { ...plain, ...SCRIPTS }, { isKeyRequired: false })
  service.tables.push({ name: 'Closed', permissions: { ...DEFAULT_PERMISSIONS, read: 'user', insert: 'admin' } })
  keyed = await postgres.addService({ name: 'keyed' })
  const soft = { schema: 'todo', table: 'Soft', serviceId: service.id }
  await postgres.cluster.withClient(async (client) => await changeTable(client, soft, { kind: 'soft_delete_on' }), {
    database: 'apps',
  })
  runtime.setLeases()
  await runtime.assign([service, keyed])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall, to = service): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(to, { ...SECOND, ...call.headers }) })
}

async function first(call: TestCall): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, { ...APP, ...call.headers }) })
}

function rowOf(answer: TestAnswer, status: number): Row {
  assert.equal(answer.status, status, answer.body)
  const row = JSON.parse(answer.body) as Row
  assert.equal(answer.headers.etag, `"${row.version}"`)
  return row
}

async function insert(table: string, body: object): Promise<Row> {
  return rowOf(await ask({ method: 'POST', path: `/tables/${table}`, body }), 201)
}

const matching = (version: string) => ({ 'if-match': `"${version}"` })
const GONE = { status: 404, equals: '{"error":"The item does not exist"}' }

test('an insert answers the stored row with its tag; so does a read', async () => {
  const row = await insert('Item', { text: 'milk', n: 1 })
  assert.match(row.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  assert.deepEqual(Object.keys(row).sort(), ['createdAt', 'id', 'n', 'text', 'updatedAt', 'version'])
  assert.match(row.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const path = `/tables/Item/${row.id}`
  assert.deepEqual(rowOf(await ask({ path }), 200), row)
  assert.deepEqual(rowOf(await ask({ path: `${path}?ZUMO-API-VERSION=2.0.0`, headers: {} }), 200), row)
  check({ status: 304, equals: '' }, await ask({ path, headers: { 'if-none-match': `"${row.version}"` } }))
  check(GONE, await ask({ path: '/tables/Item/nobody' }))
  const part = await ask({ path: `${path}?$select=text,version` })
  assert.deepEqual(JSON.parse(part.body), { text: 'milk', version: row.version })
})

test('a list has whole rows, filtered and ordered by plain names', async () => {
  const answer = await ask({ path: '/tables/Item?$orderby=updatedAt%20desc&$top=1&$inlinecount=allpages' })
  const { results, count } = JSON.parse(answer.body) as { results: Row[]; count: number }
  assert.deepEqual([results.length, count >= 1, typeof results[0]?.version], [1, true, 'string'])
  const [row] = results
  const $filter = `(text eq 'milk') and (updatedAt ge datetimeoffset'${row?.updatedAt}') and version eq '${row?.version}'`
  const found = await ask({ path: `/tables/Item?${new URLSearchParams({ $filter })}` })
  assert.deepEqual(JSON.parse(found.body), results)
  const wrong = await ask({ path: '/tables/Item?$filter=eq' })
  check({ status: 400, equals: '{"error":"Invalid query specified. Error: Expression expected (at index 0)"}' }, wrong)
})

test('a full page has a link to the next one; whoever says how many wants no more', async () => {
  await Promise.all(Array.from({ length: 60 }, (_, n) => insert('Pages', { id: `p${String(n).padStart(2, '0')}` })))
  const one = await ask({ path: '/tables/Pages?$orderby=id&$select=id' })
  const link = /^(http.*); rel=next$/.exec(String(one.headers.link))?.[1] ?? ''
  assert.equal(JSON.parse(one.body).length, 50)
  const two = await ask({ path: new URL(link).pathname + new URL(link).search })
  assert.deepEqual(
    JSON.parse(two.body).map((row: Row) => row.id),
    Array.from({ length: 10 }, (_, n) => `p${n + 50}`),
  )
  assert.equal(two.headers.link, undefined)
  assert.equal((await ask({ path: '/tables/Pages?$top=10' })).headers.link, undefined)
  const counted = await ask({ path: '/tables/Pages?$skip=10&$inlinecount=allpages' })
  assert.equal(counted.headers.link, undefined)
  assert.equal((await first({ path: '/tables/Pages' })).headers.link, undefined)
})

test('an update answers the row, by its URL or by the id in its body; nothing to change changes nothing', async () => {
  const row = await insert('Item', { id: 'u', text: 'old' })
  const changed = rowOf(await ask({ method: 'PATCH', path: '/tables/Item/u', body: { text: 'new' } }), 200)
  assert.notEqual(changed.version, row.version)
  assert.equal(changed.text, 'new')
  const again = rowOf(await ask({ method: 'PATCH', path: '/tables/Item', body: { id: 'u', text: 'newer' } }), 200)
  assert.equal(again.text, 'newer')
  const same = rowOf(
    await ask({ method: 'PATCH', path: '/tables/Item/u', body: { id: 'u', version: again.version } }),
    200,
  )
  assert.deepEqual(same, again)
  check(GONE, await ask({ method: 'PATCH', path: '/tables/Item/nobody', body: { text: 'x' } }))
  check({ status: 400 }, await ask({ method: 'PATCH', path: '/tables/Item', body: { text: 'x' } }))
})

test('a conflict is 412 for a header and 409 for a version in the body, with the row as it is', async () => {
  const old = await insert('Item', { id: 'c', text: 'one' })
  const path = '/tables/Item/c'
  const now = rowOf(await ask({ method: 'PATCH', path, body: { text: 'two', version: old.version } }), 200)
  assert.deepEqual(
    rowOf(await ask({ method: 'PATCH', path, body: { text: 'x' }, headers: matching(old.version) }), 412),
    now,
  )
  assert.deepEqual(rowOf(await ask({ method: 'PATCH', path, body: { text: 'x', version: old.version } }), 409), now)
  assert.deepEqual(rowOf(await ask({ method: 'DELETE', path, headers: matching(old.version) }), 412), now)
  const twice = await ask({ method: 'POST', path: '/tables/Item', body: { id: 'C', text: 'again' } })
  assert.deepEqual(rowOf(twice, 409), now)
  assert.deepEqual(rowOf(await ask({ method: 'DELETE', path, headers: matching(now.version) }), 200), now)
  check(GONE, await ask({ method: 'DELETE', path }))
})

test('what only the server gives a value to is refused', async () => {
  for (const name of ['createdAt', 'updatedAt', 'deleted']) {
    const answer = await ask({ method: 'POST', path: '/tables/Item', body: { [name]: '2020-01-01T00:00:00Z' } })
    check({ status: 400, equals: `{"error":"Cannot update item with property '${name}' as it is reserved"}` }, answer)
  }
  check({ status: 400 }, await ask({ method: 'POST', path: '/tables/Item', body: { __version: 'x' } }))
  check({ status: 400 }, await ask({ method: 'POST', path: '/tables/Item', body: [1] }))
})

test('soft delete: the deleted row is answered, shown to whoever asks, and brought back', async () => {
  const row = await insert('Soft', { id: 's', text: 'x' })
  assert.equal(row.deleted, false)
  const deleted = rowOf(await ask({ method: 'DELETE', path: '/tables/Soft/s', headers: matching(row.version) }), 200)
  assert.deepEqual([deleted.deleted, deleted.text], [true, 'x'])
  check(GONE, await ask({ path: '/tables/Soft/s' }))
  const all = await ask({ path: '/tables/Soft?__includeDeleted=true&$filter=deleted%20eq%20true' })
  assert.deepEqual(JSON.parse(all.body), [deleted])
  const late = await ask({
    method: 'PATCH',
    path: '/tables/Soft/s',
    body: { text: 'y' },
    headers: matching(row.version),
  })
  assert.deepEqual(rowOf(late, 412), deleted)
  const back = rowOf(await ask({ method: 'POST', path: '/tables/Soft/s' }), 201)
  assert.deepEqual([back.deleted, back.text], [false, 'x'])
})

test('both generations see the same rows, each by its names; an own column of such a name stays with the first', async () => {
  const made = await first({
    method: 'POST',
    path: '/tables/Own?__systemProperties=*',
    body: { id: 'o', version: 'mine' },
  })
  const old = JSON.parse(made.body)
  assert.equal(old.version, 'mine')
  const row = rowOf(await ask({ path: '/tables/Own/o' }), 200)
  assert.deepEqual([row.version, row.updatedAt], [old.__version, old.__updatedAt])
  rowOf(await ask({ method: 'PATCH', path: '/tables/Own/o', body: { text: 'x', version: row.version } }), 200)
  assert.equal(JSON.parse((await first({ path: '/tables/Own/o' })).body).version, 'mine')
})

test('scripts run for both; what they stored or made of the rows is answered', async () => {
  const row = await insert('Upper', { id: 'a', text: 'loud' })
  assert.equal(row.text, 'LOUD')
  for (const table of ['Mine', 'Quiet']) {
    await runtime.call({
      method: 'POST',
      path: `/tables/${table}`,
      body: { id: 'a', owner: 'me' },
      headers: routed(service, APP),
    })
    await runtime.call({
      method: 'POST',
      path: `/tables/${table}`,
      body: { id: 'b', owner: 'you' },
      headers: routed(service, APP),
    })
    const $filter = "updatedAt ge datetimeoffset'2020-01-01T00:00:00Z'"
    const answer = await ask({ path: `/tables/${table}?${new URLSearchParams({ $filter, $orderby: 'updatedAt' })}` })
    const [only, ...others] = JSON.parse(answer.body) as (Row & { seen?: boolean })[]
    assert.deepEqual([only?.id, others.length, typeof only?.version], ['a', 0, 'string'])
    assert.equal(only?.seen, table === 'Mine' ? true : undefined)
    rowOf(await ask({ path: `/tables/${table}/a` }), 200)
    check(GONE, await ask({ path: `/tables/${table}/b` }))
  }
  const before = await insert('Touched', { id: 't', text: 'x' })
  const path = '/tables/Touched/t'
  const now = rowOf(await ask({ method: 'PATCH', path, body: { text: 'y', version: before.version } }), 200)
  assert.equal((now as Row & { by?: string }).by, 'anonymous')
  assert.deepEqual(rowOf(await ask({ method: 'PATCH', path, body: { text: 'z', version: before.version } }), 409), now)
  const demanded = { method: 'PATCH', path, body: { text: 'z' }, headers: matching(before.version) }
  assert.deepEqual(rowOf(await ask(demanded), 412), now)
})

test('no key is asked where the service does without; levels hold all the same', async () => {
  const refused = { status: 401, equals: 'You must be logged in to use this application' }
  check({ status: 200 }, await ask({ path: '/tables/Item' }))
  check(refused, await ask({ path: '/tables/Closed' }))
  check(refused, await ask({ method: 'POST', path: '/tables/Closed', body: {} }))
  check(refused, await ask({ path: '/tables/Item?noScript=true' }))
  check({ status: 200 }, await ask({ path: '/tables/Item?noScript=true', headers: MASTER }))
  check(refused, await ask({ path: '/tables/Item', headers: { 'x-zumo-auth': 'forged' } }))
  check(
    { status: 401, equals: errorBody(401, 'Unauthorized') },
    await first({ path: '/tables/Item', headers: { 'x-zumo-application': '' } }),
  )
  check(refused, await ask({ path: '/tables/TodoItem' }, keyed))
  check({ status: 200, equals: '[]' }, await ask({ path: '/tables/TodoItem', headers: APP }, keyed))
})

test('headers tell the generation; browsers may read what it needs', async () => {
  const answer = await ask({ path: '/tables/Item', headers: { origin: 'http://localhost:3000' } })
  assert.match(String(answer.headers['x-zumo-server-version']), /^node-/)
  assert.equal(answer.headers['x-zumo-version'], undefined)
  assert.equal(answer.headers['access-control-expose-headers'], 'Link,Etag')
  const old = await first({ path: '/tables/Item', headers: { origin: 'http://localhost:3000' } })
  assert.equal(old.headers['access-control-expose-headers'], undefined)
  for (const version of ['1.0.0', '3.0.0', '2.1.0', '']) {
    const wrong = await ask({ path: '/tables/Item', headers: { 'zumo-api-version': version } })
    check({ status: 400, contains: [`{"error":"The API version '${version}' is not supported`] }, wrong)
  }
  check(
    { status: 405, answerHeaders: { allow: 'GET, POST, PATCH' } },
    await ask({ method: 'PUT', path: '/tables/Item' }),
  )
})
