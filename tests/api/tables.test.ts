// The table protocol against a running runtime over a real PostgreSQL: what is written, read and guarded.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, routed } from '../support/runtime-scenario.ts'

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService
let fixed: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'tables')
  const tables = ['Items', 'Pages', 'Grow', 'Etags', 'Ids', 'Types', 'Order', 'Twice'].map((name) => ({
    name,
    permissions: DEFAULT_PERMISSIONS,
  }))
  service = await postgres.addService({ name: 'todo', tables })
  fixed = await postgres.addService({ name: 'fixed', isSchemaDynamic: false })
  runtime.setLeases()
  await runtime.assign([service, fixed])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall, to = service): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(to, { ...APP, ...call.headers }) })
}

test('without dynamic schema unknown columns are refused in the words of the original', async () => {
  const write = await ask({ method: 'POST', path: '/tables/TodoItem', body: { text: 'x' } }, fixed)
  check({ status: 400, contains: ['contains a column that is not in the table schema.'] }, write)
  const read = await ask({ path: '/tables/TodoItem?$select=text' }, fixed)
  check({ status: 400, contains: ['Invalid column name specified in query.'] }, read)
})

test('an insert answers what was sent, a location, and the system properties asked for', async () => {
  const body = { id: 'Ä b\'"'.replace('"', '%'), text: 'x', n: 1.5, is: true, at: '2020-01-02T03:04:05Z' }
  const answer = await ask({ method: 'POST', path: '/tables/Items?__systemProperties=version,__createdAt', body })
  assert.equal(answer.status, 201)
  const given = JSON.parse(answer.body)
  assert.equal(answer.headers.location, `http://todo.example.test/tables/Items/${encodeURIComponent(body.id)}`)
  assert.equal(answer.headers.etag, `"${given.__version}"`)
  assert.match(given.__createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(given.__updatedAt, undefined)
  assert.equal(Buffer.from(given.__version, 'base64').length, 8)
  assert.equal(given.at, '2020-01-02T03:04:05.000Z')
  const read = await ask({ path: `/tables/Items/${encodeURIComponent(body.id)}` })
  const { __version, __createdAt, ...rest } = given
  assert.deepEqual(JSON.parse(read.body), rest)
})

test('without an id the server makes an upper-case GUID', async () => {
  const answer = await ask({ method: 'POST', path: '/tables/Ids', body: {} })
  assert.match(JSON.parse(answer.body).id, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
})

test('ids that differ only in case are one id', async () => {
  assert.equal((await ask({ method: 'POST', path: '/tables/Ids', body: { id: 'Straße A' } })).status, 201)
  const twice = await ask({ method: 'POST', path: '/tables/Ids', body: { id: 'straße a' } })
  check({ status: 409, contains: ['an item with that id already exists.'] }, twice)
  const read = await ask({ path: `/tables/Ids/${encodeURIComponent('STRAßE a')}` })
  assert.equal(JSON.parse(read.body).id, 'Straße A')
  assert.equal((await ask({ method: 'POST', path: '/tables/Ids', body: { id: 'Strase A' } })).status, 201)
})

test('ids with blanks, quotes and SQL work in URLs', async () => {
  for (const id of ["x'; drop table todo--", ' blank ', '日本語', '😀', '%41', 'a&b=c#d', '$1', '{}']) {
    const made = await ask({ method: 'POST', path: '/tables/Ids', body: { id } })
    assert.equal(made.status, 201, id)
    const path = new URL(made.headers.location ?? '').pathname
    assert.deepEqual(JSON.parse((await ask({ path })).body).id, id)
    assert.equal((await ask({ method: 'DELETE', path })).status, 204)
    assert.equal((await ask({ path })).status, 404)
  }
})

test('twenty concurrent inserts add the same column once, whatever its case', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const name = index % 2 === 0 ? 'colour' : 'Colour'
      return await ask({ method: 'POST', path: '/tables/Grow', body: { id: `g${index}`, [name]: `c${index}` } })
    }),
  )
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
  const rows = JSON.parse((await ask({ path: '/tables/Grow' })).body) as Record<string, string>[]
  assert.equal(rows.length, 20)
  const keys = Object.keys(rows[0] ?? {})
  assert.equal(keys.length, 2, keys.join())
  for (const row of rows) assert.equal(row[keys[1] ?? ''], `c${row.id?.slice(1)}`)
})

test('values convert to the type that their column has', async () => {
  const first = { id: '1', text: 'a', n: 1, is: true, at: '2020-01-02T03:04:05.678Z' }
  assert.equal((await ask({ method: 'POST', path: '/tables/Types', body: first })).status, 201)
  const good = { id: '2', text: 12, n: '12.5', is: 'true', at: '2021-05-06' }
  assert.equal((await ask({ method: 'POST', path: '/tables/Types', body: good })).status, 201)
  const read = JSON.parse((await ask({ path: '/tables/Types/2' })).body)
  assert.deepEqual(read, { id: '2', text: '12', n: 12.5, is: true, at: '2021-05-06T00:00:00.000Z' })
  for (const bad of [{ n: 'abc' }, { is: 'maybe' }, { at: 'infinity' }, { at: 5 }, { n: 'NaN' }]) {
    const refused = await ask({ method: 'POST', path: '/tables/Types', body: bad })
    assert.equal(refused.body, errorBody(400, 'Bad request.'), JSON.stringify(bad))
  }
  assert.equal((await ask({ method: 'POST', path: '/tables/Types', body: '{"n":1e400}' })).status, 400)
})

test('pages, counts and orders, nulls first ascending and last descending', async () => {
  for (const [id, text] of [
    ['a', 'b'],
    ['b', 'Amélie'],
    ['c', null],
    ['d', 'american'],
    ['e', 'amelie'],
  ] as const) {
    const body = text === null ? { id } : { id, text }
    assert.equal((await ask({ method: 'POST', path: '/tables/Order', body })).status, 201)
  }
  const ids = async (query: string) => {
    const { body } = await ask({ path: `/tables/Order?${query}` })
    return (JSON.parse(body) as { id: string }[]).map(({ id }) => id).join('')
  }
  assert.equal(await ids('$orderby=text'), 'cebda')
  assert.equal(await ids('$orderby=TEXT%20desc'), 'adbec')
  assert.equal(await ids('$orderby=text,id+desc&$skip=1&$top=2'), 'eb')
  assert.equal(await ids('$skip=3'), 'de')
  assert.equal(await ids('$top=0'), '')
  const counted = await ask({ path: '/tables/Order?$inlinecount=allpages&$top=1&$select=Text' })
  assert.deepEqual(JSON.parse(counted.body), { results: [{ Text: 'b' }], count: 5 })
})

test('a page has 50 rows when nothing is said', async () => {
  await postgres.sql(`insert into todo."Pages" (id) select 'p' || i from generate_series(1, 120) i`)
  const rows = JSON.parse((await ask({ path: '/tables/Pages' })).body) as unknown[]
  assert.equal(rows.length, 50)
})

test('versions guard reads, changes and deletions', async () => {
  const made = await ask({ method: 'POST', path: '/tables/Etags?__systemProperties=*', body: { id: 'e', text: 'one' } })
  const first = made.headers.etag ?? ''
  const path = '/tables/Etags/e?__systemProperties=version'
  assert.equal((await ask({ path, headers: { 'if-none-match': first } })).status, 304)
  assert.equal((await ask({ path, headers: { 'if-none-match': `"x", ${first}` } })).body, '')
  assert.equal((await ask({ path: '/tables/Etags/e', headers: { 'if-none-match': first } })).status, 200)
  const plain = '/tables/Etags/e'
  const changed = await ask({ method: 'PATCH', path: plain, body: { text: 'two' }, headers: { 'if-match': first } })
  const second = changed.headers.etag ?? ''
  check({ status: 200, contains: ['"text":"two"', '"__version":'], lacks: ['__updatedAt'] }, changed)
  for (const stale of [first, '"nonsense"']) {
    for (const call of [{ method: 'PATCH', body: { text: 'three' } }, { method: 'DELETE' }]) {
      const refused = await ask({ ...call, path: plain, headers: { 'if-match': stale } })
      const contains = ['"text":"two"', '"__version":', '"__createdAt":', '"__updatedAt":']
      check({ status: 412, contains, answerHeaders: { etag: second } }, refused)
    }
  }
  assert.equal(
    (await ask({ method: 'PATCH', path: plain, body: { text: 'x' }, headers: { 'if-match': '*' } })).status,
    200,
  )
  const missing = { path: '/tables/Etags/none', headers: { 'if-match': first } }
  assert.equal((await ask({ ...missing, method: 'DELETE' })).status, 404)
  const now = (await ask({ path })).headers.etag ?? ''
  assert.equal((await ask({ method: 'DELETE', path: plain, headers: { 'if-match': now } })).status, 204)
})

test('system columns are shown only when asked for, in column order', async () => {
  await ask({ method: 'POST', path: '/tables/Twice', body: { id: 'a', z: 1, a: 2 } })
  assert.equal((await ask({ path: '/tables/Twice/a' })).body, '{"id":"a","z":1,"a":2}')
  const all = JSON.parse((await ask({ path: '/tables/Twice/a?__SystemProperties=*' })).body)
  assert.deepEqual(Object.keys(all), ['id', '__createdAt', '__updatedAt', '__version', 'z', 'a'])
  const some = await ask({ path: '/tables/Twice?$select=a&__systemProperties=__version' })
  assert.deepEqual(Object.keys((JSON.parse(some.body) as object[])[0] ?? {}), ['a', '__version'])
})

test('a column that somebody else added is shown at once', async () => {
  await ask({ method: 'POST', path: '/tables/Twice', body: { id: 'b' } })
  await ask({ path: '/tables/Twice' })
  await postgres.sql('alter table todo."Twice" add column elsewhere bigint default 9007199254740993')
  assert.match((await ask({ path: '/tables/Twice/b' })).body, /"elsewhere":9007199254740993/)
  await postgres.sql('alter table todo."Twice" drop column elsewhere')
  assert.equal((await ask({ path: '/tables/Twice' })).status, 200)
  assert.equal((await ask({ method: 'PATCH', path: '/tables/Twice/b', body: { z: 3 } })).status, 200)
})

test('a key, a secret or a stack never appears in an answer', async () => {
  await postgres.sql('alter table todo."Twice" add column worse text check (worse <> worse)')
  const answer = await ask({ method: 'POST', path: '/tables/Twice', body: { worse: 'x' } })
  check({ status: 400, lacks: ['at ', 'violates', 'Twice'] }, answer)
})
