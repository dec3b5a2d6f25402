// Soft delete against a running runtime over a real PostgreSQL: what is marked, who sees it, and how it comes back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const SCRIPTS = {
  'Note.read': '',
  'Seen.read': `function read(query, user, request) {
    request.execute({ includeDeleted: true, systemProperties: ['__deleted'], success: function (rows) {
      request.respond(200, [request.includeDeleted, rows.map(function (row) { return [row.id, row.__deleted]; })]);
    } });
  }`,
  'Undone.update': `function update(item, user, request) {
    if (!request.undelete) return request.respond(403, 'no');
    item.text = 'back';
    request.execute();
  }`,
  'Held.update': 'function update(item, user, request) { request.respond(409, [request.undelete, item]); }',
  'Other.delete': `function del(id, user, request) {
    var notes = tables.getTable('Note');
    notes.del(id, { success: function () {
      notes.lookup(id, { includeDeleted: true, success: function (row) { request.respond(200, row.id); } });
    } });
  }`,
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'soft')
  service = await addScripted(postgres, 'todo', { ...SCRIPTS, 'Plain.read': '', 'Late.read': '' })
  for (const table of ['Note', 'Seen', 'Undone', 'Held', 'Other']) await set(table, 'soft_delete_on')
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function set(table: string, kind: 'soft_delete_on' | 'soft_delete_off'): Promise<void> {
  const name = { schema: 'todo', table, serviceId: service.id }
  await postgres.cluster.withClient(async (client) => await changeTable(client, name, { kind }), { database: 'apps' })
}

async function ask(call: TestCall): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, { ...APP, ...call.headers }) })
}

async function insert(table: string, id: string): Promise<string> {
  const path = `/tables/${table}?__systemProperties=version`
  const answer = await ask({ method: 'POST', path, body: { id, text: 'old' } })
  assert.equal(answer.status, 201, answer.body)
  return (JSON.parse(answer.body) as { __version: string }).__version
}

async function remove(table: string, id: string, version?: string): Promise<TestAnswer> {
  const headers: Record<string, string> = version === undefined ? {} : { 'if-match': `"${version}"` }
  return await ask({ method: 'DELETE', path: `/tables/${table}/${id}`, headers })
}

async function read(path: string): Promise<unknown> {
  const answer = await ask({ path })
  assert.equal(answer.status, 200, answer.body)
  return JSON.parse(answer.body)
}

const gone = (id: string) => ({ status: 404, equals: errorBody(404, `An item with id '${id}' does not exist.`) })

test('a deleted row is gone for whoever does not ask for it, and there for whoever does', async () => {
  await insert('Note', 'a')
  await insert('Note', 'b')
  check({ status: 204, equals: '' }, await remove('Note', 'a'))
  check(gone('a'), await remove('Note', 'a'))
  check(gone('a'), await ask({ path: '/tables/Note/a' }))
  assert.deepEqual(await read('/tables/Note?$select=id&$inlinecount=allpages'), { results: [{ id: 'b' }], count: 1 })
  assert.deepEqual(await read('/tables/Note?__includeDeleted=TRUE&$select=id,__deleted'), [
    { id: 'a', __deleted: true },
    { id: 'b', __deleted: false },
  ])
  assert.deepEqual(await read('/tables/Note/a?__INCLUDEDELETED=true'), { id: 'a', text: 'old' })
  assert.deepEqual(await read('/tables/Note/a?__includeDeleted=true&__systemProperties=deleted'), {
    ...{ id: 'a', text: 'old', __deleted: true },
  })
  assert.deepEqual(await read('/tables/Note?__includeDeleted=true&$filter=__deleted&$select=id'), [{ id: 'a' }])
})

test('its id stays taken, and a change of it is a conflict with the row as it is', async () => {
  check(
    { status: 409, contains: ['already exists'] },
    await ask({ method: 'POST', path: '/tables/Note', body: { id: 'a' } }),
  )
  const version = await insert('Note', 'c')
  await remove('Note', 'c')
  for (const headers of [{}, { 'if-match': `"${version}"` }]) {
    const answer = await ask({ method: 'PATCH', path: '/tables/Note/c', body: { text: 'new' }, headers })
    check({ status: 412, contains: ['"__deleted":true', '"text":"old"'] }, answer)
    assert.ok(answer.headers.etag)
  }
  check({ status: 412, contains: ['"__deleted":true'] }, await remove('Note', 'c', version))
})

test('a delete marks under the version that is demanded, and gives a new one', async () => {
  const version = await insert('Note', 'd')
  check({ status: 412, contains: ['"__deleted":false'] }, await remove('Note', 'd', 'AAAAAAAAAAA='))
  check({ status: 204 }, await remove('Note', 'd', version))
  const row = (await read('/tables/Note/d?__includeDeleted=true&__systemProperties=*')) as Record<string, string>
  assert.notEqual(row.__version, version)
  assert.ok(String(row.__updatedAt) >= String(row.__createdAt))
})

test('an undelete brings it back, however often it is asked for', async () => {
  const path = '/tables/Note/a'
  for (let time = 0; time < 2; time += 1) {
    check({ status: 200, equals: '{"id":"a","__deleted":false}' }, await ask({ method: 'POST', path }))
  }
  assert.deepEqual(await read(path), { id: 'a', text: 'old' })
  const wrong = await ask({ method: 'POST', path, headers: { 'if-match': '"AAAAAAAAAAA="' } })
  check({ status: 412, contains: ['"text":"old"'] }, wrong)
  const right = await ask({ method: 'POST', path, headers: { 'if-match': String(wrong.headers.etag) } })
  check({ status: 200, contains: ['"__version":'] }, right)
  check(gone('zz'), await ask({ method: 'POST', path: '/tables/Note/zz' }))
  check({ status: 400, contains: ['must not have content'] }, await ask({ method: 'POST', path, body: { text: 'x' } }))
  const plain = await ask({ method: 'POST', path: '/tables/Plain/a' })
  check({ status: 400, equals: errorBody(400, 'The undelete operation is not supported on this table.') }, plain)
})

test('scripts see what was asked for, run for an undelete, and mark like anybody else', async () => {
  await insert('Seen', 'a')
  await insert('Seen', 'b')
  await remove('Seen', 'b')
  assert.deepEqual(await read('/tables/Seen'), [
    false,
    [
      ['a', false],
      ['b', true],
    ],
  ])
  assert.deepEqual(await read('/tables/Seen?__includeDeleted=true'), [
    true,
    [
      ['a', false],
      ['b', true],
    ],
  ])
  await insert('Undone', 'a')
  await remove('Undone', 'a')
  const back = await ask({ method: 'POST', path: '/tables/Undone/a' })
  assert.equal(back.status, 200, back.body)
  assert.deepEqual(JSON.parse(back.body), { id: 'a', __deleted: false, text: 'back' })
  assert.deepEqual(await read('/tables/Undone'), [{ id: 'a', text: 'back' }])
  await insert('Held', 'a')
  check(
    { status: 409, equals: '[true,{"id":"a","__deleted":false}]' },
    await ask({ method: 'POST', path: '/tables/Held/a' }),
  )
  await insert('Note', 'e')
  check({ status: 200, equals: '"e"' }, await remove('Other', 'e'))
  check(gone('e'), await ask({ path: '/tables/Note/e' }))
})

test('switched on it holds for the very next delete; off, what is marked is gone for good', async () => {
  await insert('Late', 'a')
  assert.deepEqual(await read('/tables/Late?$select=id'), [{ id: 'a' }])
  await set('Late', 'soft_delete_on')
  await set('Late', 'soft_delete_on')
  check({ status: 204 }, await remove('Late', 'a'))
  assert.deepEqual(await read('/tables/Late?__includeDeleted=true&$select=id'), [{ id: 'a' }])
  await insert('Late', 'b')
  await set('Late', 'soft_delete_off')
  await set('Late', 'soft_delete_off')
  assert.deepEqual(await read('/tables/Late?__includeDeleted=true&$select=id'), [{ id: 'b' }])
  check({ status: 204 }, await remove('Late', 'b'))
  assert.deepEqual(await read('/tables/Late'), [])
})
