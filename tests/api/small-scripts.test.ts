// Small scripts against a running runtime: they take no process, and what becomes of their operation is answered as for
// any other script.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { commandOf, treeOf } from '../../src/kit/processes.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const SCRIPTS = {
  'Small.insert': `function insert(item, user, request) {
    if (item.text.length > 20) request.respond(statusCodes.BAD_REQUEST, 'too long');
    else { item.text = item.text.trim(); request.execute(); }
  }`,
  'Small.update': 'function update(item, user, request) { item.text += "!"; request.execute(); }',
  'Small.delete':
    'function del(id, user, request) { if (id === "kept") request.respond(403); else request.execute(); }',
  'Read.read': "function read(query, user, request) { query.where({ text: 'shown' }); request.execute(); }",
  'Larger.insert': 'function insert(item, user, request) { console.log("ran"); request.execute(); }',
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'small', ['--request-ms', '2000'])
  service = await addScripted(postgres, 'todo', SCRIPTS)
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall, to = service): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(to, { ...APP, ...call.headers }) })
}

async function insert(body: unknown, table = 'Small', to = service): Promise<TestAnswer> {
  return await ask({ method: 'POST', path: `/tables/${table}`, body }, to)
}

/** Below the runtime: what scripts run in. */
function sandboxes(): string[] {
  return treeOf(runtime.pid)
    .filter((pid) => pid !== runtime.pid)
    .map(commandOf)
    .filter((command) => command.includes('main.mjs') || command.includes('/code/'))
}

test('they are done and answered, and take no process; a larger one takes one', async () => {
  // One was started to see how strong the border is, and takes a moment to end.
  await waitFor('the border to be known', () => runtime.sandbox, { withinMs: 20_000 })
  await waitFor('no sandbox', () => sandboxes().length === 0 || undefined, { withinMs: 20_000 })
  check({ status: 201, equals: '{"id":"a","text":"new"}' }, await insert({ id: 'a', text: ' new ' }))
  check({ status: 400, equals: '"too long"' }, await insert({ id: 'b', text: 'x'.repeat(21) }))
  const patch = { method: 'PATCH', path: '/tables/Small/a', body: { text: 'old' } }
  check({ status: 200, equals: '{"text":"old!","id":"a"}' }, await ask(patch))
  check({ status: 201 }, await insert({ id: 'kept', text: '' }))
  check({ status: 403, equals: '' }, await ask({ method: 'DELETE', path: '/tables/Small/kept' }))
  check({ status: 204 }, await ask({ method: 'DELETE', path: '/tables/Small/a' }))
  const rows = await postgres.sql<{ id: string; text: string }>('select id, text from todo."Small"')
  assert.deepEqual(rows, [{ id: 'kept', text: '' }])
  assert.deepEqual(sandboxes(), [])
  check({ status: 201 }, await insert({ id: 'a' }, 'Larger'))
  assert.notDeepEqual(sandboxes(), [])
})

test('what their operation is refused for is answered, and what a sandbox has to tell is told by one', async () => {
  check({ status: 409, contains: ['already exists'] }, await insert({ id: 'kept', text: 'x' }))
  check({ status: 404 }, await ask({ method: 'PATCH', path: '/tables/Small/none', body: { text: 'x' } }))
  check({ status: 400 }, await insert({ id: 'c', text: 'x', list: [1] }))
  // Nothing is there to be trimmed.
  check({ status: 500, contains: ['Internal Server Error'] }, await insert({ id: 'd' }))
  await runtime.untilLogged(
    /Error in script '\/table\/Small.insert.js'. TypeError: Cannot read properties of undefined/,
  )
})

test('a write that takes too long is not done, and one whose connection breaks may have been', async () => {
  await postgres.cluster.withClient(
    async (client) => {
      await client.query('begin')
      await client.query('lock table todo."Small" in exclusive mode')
      check({ status: 503, contains: ['timed out'], lacks: ['unknown'] }, await insert({ id: 'slow', text: '' }))
      const broken = insert({ id: 'broken', text: '' })
      const pid = await waitFor('a session that waits for the lock', untilWaiting, { withinMs: 1_000, everyMs: 10 })
      await client.query('select pg_terminate_backend($1)', [pid])
      check({ status: 503, contains: ['outcome of the write is unknown'] }, await broken)
      await client.query('commit')
    },
    { database: 'apps' },
  )
  assert.deepEqual(await postgres.sql(`select id from todo."Small" where id = 'slow'`), [])
})

async function untilWaiting(): Promise<number | undefined> {
  const [found] = await postgres.sql<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and usename like 'svc_%' and query_start >
      clock_timestamp() - interval '1 second' order by query_start desc limit 1`,
  )
  return found?.pid
}

test('a service whose extension is called first in each sandbox has its scripts run there', async () => {
  const extension = 'exports.startup = function (context, done) { console.log("started"); done(); }'
  const other = await addScripted(postgres, 'first', {
    'Small.insert': SCRIPTS['Small.insert'],
    'extensions/startup': extension,
  })
  runtime.setLeases()
  await runtime.assign([service, other])
  check({ status: 201 }, await insert({ id: 'a', text: 'x' }, 'Small', other))
  await runtime.untilLogged('started')
})

test('a read is of the rows that a script leaves in it', async () => {
  for (const [id, text] of Object.entries({ 'r-1': 'shown', 'r-2': 'hidden' })) {
    check({ status: 201 }, await insert({ id, text }, 'Read'))
  }
  check({ status: 200, equals: '[{"id":"r-1","text":"shown"}]' }, await ask({ path: '/tables/Read' }))
  check({ status: 200, equals: '[]' }, await ask({ path: "/tables/Read?$filter=id eq 'r-2'".replaceAll(' ', '%20') }))
  check({ status: 200, equals: '{"id":"r-1","text":"shown"}' }, await ask({ path: '/tables/Read/r-1' }))
  check({ status: 404 }, await ask({ path: '/tables/Read/r-2' }))
  const counted = await ask({ path: '/tables/Read?$inlinecount=allpages' })
  check({ status: 200, equals: '{"results":[{"id":"r-1","text":"shown"}],"count":1}' }, counted)
})
