// Tables whose ids are integers that the service gives, in both generations, with scripts and without.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed, type Scenario } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const SECOND = { 'zumo-api-version': '2.0.0' }
const NOT_A_NUMBER = errorBody(400, "The value specified for 'id' must be a number.")
const NO_ID = errorBody(400, "A value cannot be specified for property 'id'")
const SCRIPTS = {
  'Scripted.insert': 'function insert(item, user, request) { item.was = typeof item.id; request.execute(); }',
  'Scripted.update': "function update(item, user, request) { item.was = typeof item.id + '!'; request.execute(); }",
  'Scripted.read': 'function read(query, user, request) { request.execute(); }',
  'Scripted.delete': `function del(id, user, request) {
    if (id === 1) request.respond(403, { id: id, type: typeof id }); else request.execute();
  }`,
  'api/play': `exports.post = async function (request, response) {
    const scores = request.service.tables.getTable('Score');
    const made = await scores.insert({ player: 'by script', points: 3 });
    const kind = typeof made.id;
    await scores.update({ id: made.id, points: 4 });
    const found = await scores.lookup(made.id);
    const [filtered] = await scores.where({ id: made.id }).read();
    const page = await scores.where(function (least) { return this.id >= least; }, made.id).read();
    const rows = await new Promise((done, failed) =>
      request.service.mssql.query('select id, points from Score where id = ?', [made.id], { success: done, error: failed }));
    await scores.del(made);
    await scores.del(filtered).catch(function () {});
    const gone = await scores.where({ id: made.id }).read();
    const refused = await scores.insert({ id: 77, player: 'x' }).then(() => 'no', (error) => error.message);
    response.json({ kind, found, filtered, page: page.length, rows, gone: gone.length, refused });
  };`,
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'integers')
  const tables = ['Score', 'Empty', 'Page', 'Scripted'].map((name) => {
    return { name, permissions: DEFAULT_PERMISSIONS, idType: 'integer' as const }
  })
  const text = { name: 'Text', permissions: DEFAULT_PERMISSIONS }
  service = await addScripted(postgres, 'game', SCRIPTS, { tables: [...tables, text], isKeyRequired: false })
  const level = 'application' as const
  const permissions = { get: level, post: level, put: level, patch: level, delete: level }
  service.apis = [{ name: 'play', permissions }]
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall, headers: Record<string, string> = APP): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, { ...headers, ...call.headers }) })
}

async function add(table: string, body: object): Promise<number> {
  const answer = await ask({ method: 'POST', path: `/tables/${table}`, body })
  assert.equal(answer.status, 201, answer.body)
  return (JSON.parse(answer.body) as { id: number }).id
}

describe('to the first generation', () => {
  test('an insert answers what was sent and the integer that was given, which the next one exceeds', async () => {
    const call = { method: 'POST', path: '/tables/Score?__systemProperties=*', body: { player: 'Ada', points: 1 } }
    const answer = await ask(call)
    check({ status: 201, answerHeaders: { etag: '', location: /\/tables\/Score\/1$/ } }, answer)
    assert.equal(answer.body, '{"id":1,"player":"Ada","points":1}')
    for (const none of [0, null, '', false]) {
      assert.ok((await add('Score', { id: none, player: 'Bo' })) > 1)
    }
    assert.equal((await ask({ method: 'POST', path: '/tables/Empty', body: {} })).body, '{"id":1}')
  })

  const cases: Scenario[] = [
    { is: 'a row by its id', path: '/tables/Score/1', status: 200, equals: '{"id":1,"player":"Ada","points":1}' },
    { is: 'an id with zeros before', path: '/tables/Score/001', status: 200, contains: ['"id":1,'] },
    { is: 'an id that nobody has', path: '/tables/Score/999', status: 404, contains: ["id '999'"] },
    { is: 'a negative id', path: '/tables/Score/-4', status: 404 },
    ...['abc', '1.0', '1e3', '0x1', '99999999999999999999', '%20', 'nan'].map((id) => {
      return { is: `the id ${id}`, path: `/tables/Score/${id}`, status: 400, equals: NOT_A_NUMBER }
    }),
    {
      is: 'system properties that are asked for',
      path: '/tables/Score/1?__systemProperties=*',
      status: 200,
      lacks: ['__'],
      answerHeaders: { etag: '' },
    },
    {
      is: 'a system property that is selected',
      path: '/tables/Score?$select=id,__version',
      status: 200,
      equals: '[]',
    },
    {
      is: 'an update, whose condition means nothing here',
      method: 'PATCH',
      path: '/tables/Score/1?__systemProperties=version',
      headers: { 'if-match': '"AAAAAAAAB9E="' },
      body: { points: 2 },
      status: 200,
      equals: '{"id":1,"points":2}',
      answerHeaders: { etag: '' },
    },
    { is: 'the id in the body', method: 'PATCH', path: '/tables/Score/1', body: { id: 1, points: 3 }, status: 200 },
    { is: 'it as text', method: 'PATCH', path: '/tables/Score/1', body: { id: '1', points: 3 }, status: 200 },
    { is: 'another id', method: 'PATCH', path: '/tables/Score/1', body: { id: 2, points: 3 }, status: 400 },
    { is: 'an id that is none', method: 'PATCH', path: '/tables/Score/1', body: { id: [], points: 3 }, status: 400 },
    {
      is: 'nothing to change',
      method: 'PATCH',
      path: '/tables/Score/999',
      body: {},
      status: 200,
      equals: '{"id":999}',
    },
    { is: 'an update of none', method: 'PATCH', path: '/tables/Score/999', body: { points: 1 }, status: 404 },
    ...[7, '7', -1, '0'].map((id) => {
      const is = `an insert with the id ${JSON.stringify(id)}`
      return { is, method: 'POST', path: '/tables/Score', body: { id }, status: 400, equals: NO_ID }
    }),
    { is: 'an insert with no id at all', method: 'POST', path: '/tables/Score', body: { id: 'x' }, status: 400 },
    {
      is: 'a property of the system in a body',
      method: 'POST',
      path: '/tables/Score',
      body: { __version: 'x' },
      status: 400,
    },
    {
      is: 'an undelete',
      method: 'POST',
      path: '/tables/Score/1',
      status: 400,
      equals: errorBody(400, 'The undelete operation is not supported on this table.'),
    },
    { is: 'a delete of none', method: 'DELETE', path: '/tables/Score/999', headers: MASTER, status: 404 },
  ]
  for (const { is, ...scenario } of cases) {
    test(is, async () => check(scenario, await ask(scenario)))
  }

  test('filters, order and pages take ids as numbers', async () => {
    const ids: number[] = []
    for (let n = 1; n <= 12; n += 1) ids.push(await add('Page', { n }))
    const idsOf = async (query: Record<string, string>) => {
      const answer = await ask({ path: `/tables/Page?${new URLSearchParams(query)}` })
      assert.equal(answer.status, 200, answer.body)
      return (JSON.parse(answer.body) as { id: number }[]).map(({ id }) => id)
    }
    assert.deepEqual(await idsOf({}), ids)
    assert.deepEqual(await idsOf({ $filter: 'id gt 9', $orderby: 'id desc' }), ids.slice(9).reverse())
    assert.deepEqual(await idsOf({ $filter: "id eq '10'" }), [10])
    assert.deepEqual(await idsOf({ $filter: 'id eq 3 or id eq 11', $orderby: 'n' }), [3, 11])
    assert.deepEqual(await idsOf({ $skip: '5', $top: '3' }), [6, 7, 8])
    assert.deepEqual(await idsOf({ $filter: "__updatedAt ge datetimeoffset'2020-01-01T00:00:00Z'" }), [])
    check({ status: 400 }, await ask({ path: "/tables/Page?$filter=id%20eq%20'x'" }))
  })

  test('a delete takes the row away, and its id is not given again', async () => {
    const id = await add('Score', { player: 'gone' })
    check({ status: 204, equals: '' }, await ask({ method: 'DELETE', path: `/tables/Score/${id}` }))
    check({ status: 404 }, await ask({ path: `/tables/Score/${id}` }))
    assert.ok((await add('Score', { player: 'next' })) > id)
  })
})

describe('to the second generation', () => {
  const plain = async (call: TestCall) => await ask(call, SECOND)

  test('a row is whole, with its version and tag, under an integer', async () => {
    const made = await plain({ method: 'POST', path: '/tables/Empty', body: { text: 'x' } })
    check({ status: 201, answerHeaders: { location: /\/tables\/Empty\/\d+$/ } }, made)
    const row = JSON.parse(made.body) as { id: number; version: string; updatedAt: string; createdAt: string }
    assert.equal(typeof row.id, 'number')
    assert.equal(made.headers.etag, `"${row.version}"`)
    assert.deepEqual(JSON.parse((await plain({ path: `/tables/Empty/${row.id}` })).body), row)
    const stale = { 'if-match': '"AAAAAAAAB9E="' }
    const change = { method: 'PATCH', path: `/tables/Empty/${row.id}`, body: { text: 'y' } }
    check({ status: 412, contains: [`"id":${row.id}`] }, await plain({ ...change, headers: stale }))
    const $filter = `updatedAt ge datetimeoffset'${row.updatedAt}' and id eq ${row.id}`
    const page = await plain({ path: `/tables/Empty?${new URLSearchParams({ $filter })}` })
    assert.deepEqual(JSON.parse(page.body), [row])
    check({ status: 200 }, await plain({ method: 'PATCH', path: '/tables/Empty', body: { id: row.id, text: 'z' } }))
    check({ status: 200, contains: ['"text":"z"'] }, await plain({ method: 'DELETE', path: `/tables/Empty/${row.id}` }))
  })

  test('an id of the client, and one that is no integer, are refused', async () => {
    const error = (text: string) => JSON.stringify({ error: text })
    const insert = await plain({ method: 'POST', path: '/tables/Empty', body: { id: 5 } })
    check({ status: 400, equals: error("A value cannot be specified for property 'id'") }, insert)
    const wrong = await plain({ path: '/tables/Empty/five' })
    check({ status: 400, equals: error("The value specified for 'id' must be a number.") }, wrong)
  })
})

describe('with scripts', () => {
  test('items, ids and queries have integers', async () => {
    assert.equal(
      (await ask({ method: 'POST', path: '/tables/Scripted', body: { n: 1 } })).body,
      '{"n":1,"was":"undefined","id":1}',
    )
    check({ status: 400, equals: NO_ID }, await ask({ method: 'POST', path: '/tables/Scripted', body: { id: 4 } }))
    const updated = await ask({ method: 'PATCH', path: '/tables/Scripted/1', body: { n: 2 } })
    check({ status: 200, equals: '{"n":2,"id":1,"was":"number!"}' }, updated)
    const row = { id: 1, n: 2, was: 'number!' }
    assert.deepEqual(JSON.parse((await ask({ path: '/tables/Scripted/1' })).body), row)
    assert.deepEqual(JSON.parse((await ask({ path: '/tables/Scripted' })).body), [row])
    check({ status: 400, equals: NOT_A_NUMBER }, await ask({ path: '/tables/Scripted/one' }))
    const refused = await ask({ method: 'DELETE', path: '/tables/Scripted/1' })
    check({ status: 403, equals: '{"id":1,"type":"number"}' }, refused)
    await add('Scripted', {})
    check({ status: 204 }, await ask({ method: 'DELETE', path: '/tables/Scripted/2' }))
  })

  test('the second generation is shown what was stored', async () => {
    const made = await ask({ method: 'POST', path: '/tables/Scripted', body: { n: 1 } }, SECOND)
    check({ status: 201, contains: ['"was":"undefined"', '"version":'] }, made)
    const row = JSON.parse(made.body) as { id: number; version: string }
    const change = { method: 'PATCH', path: `/tables/Scripted/${row.id}`, body: { n: 9 } }
    const headers = (version: string) => ({ ...SECOND, 'if-match': `"${version}"` })
    check({ status: 412 }, await ask(change, headers('AAAAAAAAB9E=')))
    check({ status: 200, contains: ['"n":9'] }, await ask(change, headers(row.version)))
  })

  test('tables and SQL of a custom API have them, too', async () => {
    const answer = await ask({ method: 'POST', path: '/api/play' })
    assert.equal(answer.status, 200, answer.body)
    const { found, rows, ...rest } = JSON.parse(answer.body) as Record<string, unknown> & { found: { id: number } }
    const row = { id: found.id, player: 'by script', points: 4 }
    assert.deepEqual(found, row)
    assert.deepEqual(rows, [{ id: found.id, points: 4 }])
    const refused = "A value cannot be specified for property 'id'"
    assert.deepEqual(rest, { kind: 'number', filtered: row, page: 1, gone: 0, refused })
  })
})

test('soft delete is refused', async () => {
  const name = { schema: 'game', table: 'Score', serviceId: service.id }
  const change = async (kind: 'soft_delete_on' | 'soft_delete_off') =>
    await postgres.cluster.withClient(async (client) => await changeTable(client, name, { kind }), { database: 'apps' })
  await assert.rejects(change('soft_delete_on'), { code: 'table.integer_ids', status: 409 })
  assert.equal((await change('soft_delete_off')).state, 'done')
})
