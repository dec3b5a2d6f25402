// What the data plane does when its epoch, its lease or its database is not what it should be.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ProbeAnswer, RuntimeHealth } from '../../src/contract/facts.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { bootMs, waitFor } from '../../src/kit/clock.ts'
import { SERVER, startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, MASTER, routed } from '../support/runtime-scenario.ts'

const REQUEST_MS = 1_500

let postgres: TestCluster
let runtime: TestRuntime
let second: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'one', ['--request-ms', String(REQUEST_MS)])
  second = await TestRuntime.start(postgres.folder, 'two')
  service = await postgres.addService({ name: 'todo' })
  for (const one of [runtime, second]) {
    one.setLeases()
    await one.assign([service])
  }
})

after(async () => {
  await runtime?.stop()
  await second?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall, to = service): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(to, { ...APP, ...call.headers }) })
}

async function insert(id: string): Promise<TestAnswer> {
  return await ask({ method: 'POST', path: '/tables/TodoItem', body: { id, text: id } })
}

async function countOf(id: string): Promise<number> {
  const rows = await postgres.sql<{ count: number }>('select count(*)::int from todo."TodoItem" where id = $1', [id])
  return rows[0]?.count ?? 0
}

for (const [what, headers] of Object.entries({
  'an older epoch': { 'x-mainstay-epoch': '0' },
  'a newer epoch': { 'x-mainstay-epoch': '2' },
  'an epoch that is no number': { 'x-mainstay-epoch': '1 ' + '1' },
  'an empty epoch': { 'x-mainstay-epoch': '' },
  'an unknown service': { 'x-mainstay-service': 'nobody' },
})) {
  test(`${what} is refused before any work`, async () => {
    const call = { method: 'POST', path: '/tables/TodoItem', body: { id: 'stale' } }
    const answer = await ask({ ...call, headers })
    const answerHeaders = { 'x-mainstay-refused': 'epoch-stale' }
    check({ status: 503, contains: ['"code":503', '"error":"Error: '], answerHeaders }, answer)
    assert.equal(await countOf('stale'), 0)
  })
}

test('without the routing headers everything is refused', async () => {
  const answer = await runtime.call({ path: '/tables/TodoItem', headers: APP })
  check({ status: 503, answerHeaders: { 'x-mainstay-refused': 'epoch-stale' } }, answer)
})

for (const [what, leases] of Object.entries({
  'a lease that ran out': [{ server: SERVER, untilBootMs: 1 }],
  'a lease of 0': [{ server: SERVER, untilBootMs: 0 }],
  'a server that was never mentioned': [],
})) {
  test(`${what} refuses writes, reads and probes, and nothing is written`, async () => {
    assert.equal((await insert(`before ${what}`)).status, 201)
    runtime.setLeases(leases)
    // Leases are not acknowledged; messages are taken in order.
    await runtime.assign([service])
    const path = '/tables/TodoItem'
    const one = `${path}/${encodeURIComponent(`before ${what}`)}`
    for (const call of [
      { method: 'POST', path, body: { id: 'leaseless' } },
      { method: 'PATCH', path: one, body: { text: 'changed' } },
      { method: 'DELETE', path: one },
      { path },
      { path: one },
      { method: 'POST', path: '/.mainstay/probe', body: { token: 't' }, headers: MASTER },
    ]) {
      const answer = await ask(call)
      check({ status: 503, lacks: ['unknown'], answerHeaders: { 'retry-after': '5' } }, answer)
    }
    assert.equal(await countOf('leaseless'), 0)
    assert.equal(await countOf(`before ${what}`), 1)
    runtime.setLeases([{ server: SERVER, untilBootMs: bootMs() + 60_000 }])
    await runtime.assign([service])
    assert.equal((await ask({ path: one })).status, 200)
  })
}

test('a write that commits after the lease ran out is answered as unknown, not as done', async () => {
  await postgres.cluster.withClient(
    async (client) => {
      await client.query('begin')
      await client.query('lock table todo."TodoItem" in exclusive mode')
      const answer = insert('late')
      await waitForLockWaiter(1)
      runtime.setLeases([])
      await runtime.assign([service])
      await client.query('commit')
      check({ status: 503, contains: ['outcome of the write is unknown'] }, await answer)
    },
    { database: 'apps' },
  )
  runtime.setLeases()
  await runtime.assign([service])
  assert.equal(await countOf('late'), 1)
})

test('a request that takes too long is answered with 503, and was not done', async () => {
  await postgres.cluster.withClient(
    async (client) => {
      await client.query('begin')
      await client.query('lock table todo."TodoItem" in access exclusive mode')
      check({ status: 503, contains: ['Error: The request has timed out.'], lacks: ['unknown'] }, await insert('slow'))
      await client.query('commit')
    },
    { database: 'apps' },
  )
  assert.equal(await countOf('slow'), 0)
})

test('after its connections were killed the next request works', async () => {
  await Promise.all(['k1', 'k2', 'k3', 'k4'].map(insert))
  const killed = await postgres.sql(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename like 'svc_%'`,
  )
  assert.ok(killed.length > 0)
  assert.equal((await ask({ path: '/tables/TodoItem' })).status, 200)
  assert.equal((await insert('after kill')).status, 201)
})

test('a write whose connection breaks is answered as unknown', async () => {
  await postgres.cluster.withClient(
    async (client) => {
      await client.query('begin')
      await client.query('lock table todo."TodoItem" in exclusive mode')
      const answer = insert('broken')
      const pid = await waitForLockWaiter(1)
      await client.query('select pg_terminate_backend($1)', [pid])
      const answerHeaders = { 'retry-after': '5' }
      check({ status: 503, contains: ['outcome of the write is unknown'], answerHeaders }, await answer)
      await client.query('commit')
    },
    { database: 'apps' },
  )
  assert.equal((await insert('after break')).status, 201)
})

test('a connection to a primary that became read-only is replaced, and the write is known not to be done', async () => {
  const endAll = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename like 'svc_%'`
  await postgres.sql('alter role svc_todo_e1 set default_transaction_read_only = on')
  await postgres.sql(endAll)
  const answerHeaders = { 'retry-after': '5' }
  check({ status: 503, lacks: ['unknown'], answerHeaders }, await insert('read-only'))
  await postgres.sql('alter role svc_todo_e1 reset default_transaction_read_only')
  assert.equal((await insert('writable again')).status, 201)
  assert.equal(await countOf('read-only'), 0)
})

test('a column that was retyped is written to as what it is now', async () => {
  const path = '/tables/TodoItem'
  await ask({ method: 'POST', path, body: { id: 'typed 1', kind: 1 } })
  await postgres.sql('alter table todo."TodoItem" alter column kind type text')
  assert.equal((await ask({ method: 'POST', path, body: { id: 'typed 2', kind: 'one' } })).status, 201)
  check({ status: 200, contains: ['"kind":"one"'] }, await ask({ path: `${path}/typed%202` }))
})

test('a table that is not made yet gives 503', async () => {
  const early = { ...service, tables: [...service.tables, { ...service.tables[0], name: 'Early' }] as never }
  await runtime.assign([early])
  check({ status: 503, answerHeaders: { 'retry-after': '5' } }, await ask({ path: '/tables/Early' }))
  await runtime.assign([service])
})

test('a database that is down gives 503 with what is known, and serving goes on when it is back', async () => {
  await postgres.cluster.stop('fast')
  check({ status: 503, lacks: ['unknown', 'PGSQL', '/'], answerHeaders: { 'retry-after': '5' } }, await insert('down'))
  const headers = routed(service, MASTER)
  check({ status: 503, contains: ['"statusCode":503'] }, await runtime.call({ path: '/diagnostics', headers }))
  const health = await healthOf()
  assert.equal(health.services[0]?.isDatabaseReachable, false)
  assert.ok((health.services[0]?.problem ?? '') !== '')
  await postgres.cluster.start()
  assert.equal((await insert('up again')).status, 201)
  assert.equal(await countOf('down'), 0)
  await waitFor(
    'a healthy database',
    async () => ((await healthOf()).services[0]?.isDatabaseReachable ? true : undefined),
    { withinMs: 5_000 },
  )
})

test('health is for our own processes only', async () => {
  assert.deepEqual((await healthOf()).name, 'one')
  const outside = await ask({ path: '/.mainstay/health' })
  check({ status: 404, lacks: [SERVER] }, outside)
})

async function healthOf(): Promise<RuntimeHealth> {
  const answer = await runtime.call({ path: '/.mainstay/health', headers: { 'x-mainstay-internal': '1' } })
  assert.equal(answer.status, 200)
  return JSON.parse(answer.body) as RuntimeHealth
}

test('a probe writes and reads its row and counts the tables', async () => {
  const probed = { ...service, tables: [...service.tables, { ...service.tables[0], name: 'Missing' }] as never }
  await runtime.assign([probed])
  const call = { method: 'POST', path: '/.mainstay/probe', body: { token: 'token-1' } }
  assert.equal((await ask(call)).status, 401)
  assert.equal((await ask({ ...call, body: {}, headers: MASTER })).status, 400)
  assert.equal((await ask({ ...call, method: 'GET', headers: MASTER })).status, 405)
  const answer = JSON.parse((await ask({ ...call, headers: MASTER })).body) as ProbeAnswer
  assert.equal(answer.token, 'token-1')
  assert.equal(answer.epoch, 1)
  assert.deepEqual(
    answer.tables.map(({ name, rows }) => [name, rows === null]),
    [
      ['TodoItem', false],
      ['Missing', true],
    ],
  )
  await runtime.assign([service])
})

test('two runtimes of a service see the columns that the other adds', async () => {
  const call = { path: '/tables/TodoItem', headers: routed(service, APP) }
  await second.call(call)
  await ask({ method: 'POST', path: '/tables/TodoItem', body: { id: 'new column', extra: 7 } })
  const seen = await second.call({ ...call, path: '/tables/TodoItem/new%20column' })
  check({ status: 200, contains: ['"extra":7'] }, seen)
})

test('a services message replaces a service: new epoch, new keys, new login; the old ones are over', async () => {
  const old = service
  const next = await postgres.addService({ name: 'todo', epoch: 2, applicationKey: 'next-key' })
  const other = await postgres.addService({ name: 'other' })
  const serving = await runtime.assign([next, other])
  assert.deepEqual(serving.services, [
    { name: 'todo', epoch: 2 },
    { name: 'other', epoch: 1 },
  ])
  check(
    { status: 503, answerHeaders: { 'x-mainstay-refused': 'epoch-stale' } },
    await ask({ path: '/tables/TodoItem' }, old),
  )
  assert.equal((await ask({ path: '/tables/TodoItem' }, next)).status, 401)
  const headers = { 'x-zumo-application': 'next-key' }
  assert.equal((await ask({ path: '/tables/TodoItem', headers }, next)).status, 200)
  // The other runtime was not told yet: its login is shut out, so it can write nothing.
  const late = await second.call({
    method: 'POST',
    path: '/tables/TodoItem',
    body: { id: 'late' },
    headers: routed(old, APP),
  })
  assert.equal(late.status, 503)
  await runtime.assign([other])
  assert.equal((await ask({ path: '/tables/TodoItem', headers }, next)).status, 503)
  await waitFor(
    'the end of the old pool',
    async () => {
      const open = await postgres.sql(
        `select 1 from pg_stat_activity where usename like 'svc_todo_%' and application_name = 'mainstay runtime'`,
      )
      return open.length === 0 ? true : undefined
    },
    { withinMs: 5_000 },
  )
})

test('it stops in order when its host is gone', async () => {
  assert.equal(await second.stop(), 0)
})

async function waitForLockWaiter(count: number): Promise<number> {
  return await waitFor(
    'a session that waits for a lock',
    async () => {
      const found = await postgres.sql<{ pid: number }>(
        `select pid from pg_stat_activity where wait_event_type = 'Lock' and usename like 'svc_%'`,
      )
      return found.length >= count ? found[0]?.pid : undefined
    },
    { withinMs: 1_000, everyMs: 10 },
  )
}
