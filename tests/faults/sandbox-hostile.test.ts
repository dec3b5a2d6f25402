// Scripts that loop, eat memory, exit or never answer: what apps are told, what the log says, that others are served.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { SANDBOX_END_MS } from '../../src/kit/limits.ts'
import { findProcesses, isAlive, treeOf } from '../../src/kit/processes.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const REQUEST_MS = 9_000
const TEXTS = {
  'Loop.insert': 'function insert(item, user, request) { for (;;) {} }',
  'Promises.insert': 'function insert() { (function again() { Promise.resolve().then(again); })(); }',
  'WritesThenLoops.insert': `function insert(item, user, request) {
    request.execute({ success: function () { for (;;) {} } });
  }`,
  'Heap.insert': 'function insert() { var all = []; for (;;) all.push(new Array(1e6).fill(all.length)); }',
  'Buffers.insert': `function insert(item, user, request) {
    var all = [];
    try { for (var i = 0; i < 4096; i++) all.push(Buffer.alloc(1048576, 1)); }
    catch (error) { all = all.length; request.respond(200, all); }
  }`,
  'Exit.insert': 'function insert() { process.exit(3); }',
  'Uncaught.insert': 'function insert() { setTimeout(function () { throw new Error("in a timer"); }, 5); }',
  'Rejected.insert': 'function insert() { Promise.reject(new Error("nobody listens")); }',
  'Silent.insert': 'function insert() {}',
  'Flood.insert': `function insert(item, user, request) {
    for (var i = 0; i < 20000; i++) console.log('line ' + i);
    request.respond(200);
  }`,
  'Asks.insert': `function insert(item, user, request) {
    var left = 5000, failed = 0, done = function () { if (--left === 0) request.respond(200, failed); };
    for (var i = 0; i < 5000; i++) {
      tables.getTable('TodoItem').read({ success: done, error: function () { failed++; done(); } });
    }
  }`,
  'Big.insert': "function insert(i, u, request) { request.respond(200, new Array(20 * 1048576).join('x')); }",
  'Hold.insert': 'function insert(i, u, request) { setTimeout(function () { request.respond(200); }, 3000); }',
  'Fine.insert': 'function insert(item, user, request) { request.execute(); }',
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService
let other: RuntimeService
// For those that take their time, so that they can take it together.
const own = new Map<string, RuntimeService>()
const SLOW = ['loop', 'promises', 'writes', 'blocks', 'silent']

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'hostile', ['--request-ms', String(REQUEST_MS)])
  service = await addScripted(postgres, 'hostile', TEXTS)
  other = await addScripted(postgres, 'neighbour', { 'TodoItem.insert': TEXTS['Fine.insert'] })
  for (const name of SLOW) own.set(name, await addScripted(postgres, name, TEXTS))
  runtime.setLeases()
  await runtime.assign([service, other, ...own.values()])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function insert(table: string, options: { to?: RuntimeService } & Partial<TestCall> = {}): Promise<TestAnswer> {
  const { to = service, ...call } = options
  return await runtime.call({
    method: 'POST',
    path: `/tables/${table}`,
    body: {},
    ...call,
    headers: routed(to, { ...APP, ...call.headers }),
  })
}

async function ended(text: RegExp, since: number, of = service): Promise<void> {
  const isSaid = () => {
    const lines = runtime.log.slice(since).split('\n')
    return lines.some((line) => text.test(line) && line.includes(`"service":"${of.name}"`)) ? true : undefined
  }
  await waitFor(`${text} in the log`, isSaid, { withinMs: 5_000 })
}

function ownOf(name: string): RuntimeService {
  const found = own.get(name)
  assert.ok(found)
  return found
}

/** Asks again and again without waiting, since early ones may be caught; gives when the first was served. */
async function servedElsewhere(to: RuntimeService): Promise<number> {
  let served: number | undefined
  const look = () => {
    insert('Fine', { to })
      .then(({ status }) => {
        if (status === 201) served ??= performance.now()
      })
      .catch(() => {})
    return served
  }
  return await waitFor('another sandbox', look, { withinMs: SANDBOX_END_MS - 500, everyMs: 100 })
}

/** Both kinds of scripts answer again: nothing of the last test is left. */
async function fine(to = service): Promise<void> {
  check({ status: 201 }, await insert('TodoItem', { to: other }))
  const isFine = async () => ((await insert('Fine', { to })).status === 201 ? true : undefined)
  await waitFor('scripts to answer again', isFine, { withinMs: SANDBOX_END_MS + 5_000 })
}

// Two at once: more would keep both cores from everything else.
describe('in a service of its own', { concurrency: 2 }, () => {
  test('a script that never answers is 503 after the time of a request, with a line in the log', async () => {
    const to = ownOf('silent')
    await fine(to)
    const since = runtime.log.length
    const startedAt = performance.now()
    check({ status: 503, equals: errorBody(503, 'The request has timed out.') }, await insert('Silent', { to }))
    assert.ok(performance.now() - startedAt > REQUEST_MS - 500)
    await ended(/The script did not answer in time/, since, to)
    await fine(to)
  })

  for (const table of ['Loop', 'Promises']) {
    test(`${table}: a second sandbox takes new requests, the blocked one ends, nothing runs twice`, async () => {
      const to = ownOf(table.toLowerCase())
      await fine(to)
      const since = runtime.log.length
      const startedAt = performance.now()
      const caught = insert(table, { to })
      // Requests that come before the ping is late are caught, too; then others are not.
      const servedAt = await servedElsewhere(to)
      assert.ok(servedAt - startedAt < SANDBOX_END_MS - 500, `served after ${servedAt - startedAt} ms`)
      const answer = await caught
      check({ status: 503, contains: ['A script of this service blocked it and was ended.'] }, answer)
      assert.ok(Number(answer.headers['retry-after']) > 0)
      const tookMs = performance.now() - startedAt
      assert.ok(tookMs > SANDBOX_END_MS - 500 && tookMs < SANDBOX_END_MS + 2_500, `${tookMs} ms`)
      await ended(/caused the service to become unresponsive/, since, to)
    })
  }

  test('a request caught after its write says that the outcome is unknown, and was done once', async () => {
    const to = ownOf('writes')
    await fine(to)
    const answer = await insert('WritesThenLoops', { to, body: { id: 'once' } })
    check({ status: 503, contains: ['blocked it and was ended. The outcome of the write is unknown'] }, answer)
    const rows = await postgres.sql('select id from writes."WritesThenLoops"')
    assert.deepEqual(rows, [{ id: 'once' }])
  })

  test('one that blocks every sandbox it gets is refused at once until one has ended; others are served', async () => {
    const to = ownOf('blocks')
    await fine(to)
    const caught: Promise<TestAnswer>[] = []
    let refusal: TestAnswer | undefined
    const look = () => {
      const one = insert('Loop', { to })
      caught.push(one)
      void one.then((answer) => {
        if (/do not answer/.test(answer.body)) refusal ??= answer
      })
      return refusal
    }
    check({ status: 503 }, await waitFor('a refusal', look, { withinMs: SANDBOX_END_MS, everyMs: 100 }))
    check({ status: 201 }, await insert('TodoItem', { to: other }))
    for (const one of caught) check({ status: 503 }, await one)
    await fine(to)
  })
})

test('eating the heap ends the sandbox: 500, a line in the log, and the next request is served', async () => {
  await fine()
  const since = runtime.log.length
  check({ status: 500, equals: errorBody(500, 'Internal Server Error') }, await insert('Heap'))
  await ended(/used more memory than they may/, since)
  await fine()
})

test('memory outside of the heap is bounded by the kernel', async () => {
  await fine()
  const since = runtime.log.length
  const answer = await insert('Buffers')
  // Node may notice first, or run out of room for its own heap.
  if (answer.status === 200) return assert.ok(Number(answer.body) < 320, `${answer.body} MiB`)
  check({ status: 500 }, answer)
  await ended(/used more memory than they may/, since)
})

test('Rejected: a promise that nobody watches is its own request’s 500, and others go on', async () => {
  const bystander = insert('Hold')
  await fine()
  const since = runtime.log.length
  check({ status: 500, equals: errorBody(500, 'Internal Server Error') }, await insert('Rejected'))
  check({ status: 200 }, await bystander)
  await runtime.untilLogged("Error in script '/table/Rejected.insert.js'. Error: nobody listens", since)
})

for (const [table, text] of [
  ['Exit', /it called process\.exit\(3\)/],
  ['Uncaught', /Error: in a timer\\n {4}at .*<\/table\/Uncaught\.insert\.js>:1/],
] as const) {
  test(`${table}: its own request is a 500, others under way are 503, and the next is served`, async () => {
    await fine()
    const since = runtime.log.length
    const bystander = insert('Hold')
    // Answered only after the bystander has reached the sandbox: messages are taken in order.
    await fine()
    check({ status: 500, equals: errorBody(500, 'Internal Server Error') }, await insert(table))
    check({ status: 503, contains: ['were ended by one of them'] }, await bystander)
    await ended(text, since)
    await fine()
  })
}

test('a flood of log lines is cut, of operations refused, of bytes answered with 500', async () => {
  await fine()
  const since = runtime.log.length
  check({ status: 200 }, await insert('Flood'))
  const lines = runtime.log.slice(since).match(/"msg":"line /g)?.length ?? 0
  assert.ok(lines > 100 && lines <= 1_000, `${lines} lines`)
  const refused = await insert('Asks')
  assert.equal(refused.status, 200)
  assert.ok(Number(refused.body) > 0)
  check({ status: 500 }, await insert('Big'))
  await fine()
})

test('no sandbox outlives its runtime, not even one that loops', async () => {
  const doomed = await TestRuntime.start(postgres.folder, 'doomed')
  doomed.setLeases()
  await doomed.assign([service])
  const lost = doomed
    .call({ method: 'POST', path: '/tables/Loop', body: {}, headers: routed(service, APP) })
    .catch(() => null)
  const pids = await waitFor(
    'the sandbox to run',
    () => {
      const below = treeOf(doomed.pid).slice(1)
      return below.length >= 2 && findProcesses('main.mjs').some((pid) => below.includes(pid)) ? below : undefined
    },
    { withinMs: 10_000 },
  )
  process.kill(doomed.pid, 'SIGKILL')
  await lost
  await waitFor('the end of all sandboxes', () => (pids.some(isAlive) ? undefined : true), { withinMs: 5_000 })
})

test('the master key gets past a script that blocks', async () => {
  const path = '/tables/Loop?noScript=true'
  check({ status: 201 }, await insert('Loop', { path, headers: MASTER }))
})
