// Whatever an app sends to its tables: an answer below 500 in the form of its generation, and a runtime that lives.
// More of them: FUZZ_RUNS=20000; the same again: FUZZ_SEED=… node --test tests/api/fuzz-tables.test.ts.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { clientHeaders, itemBody, option, segment } from '../support/app-calls.ts'
import { seedOf } from '../support/nasty.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const seed = seedOf(process.env)
const RUNS = Number(process.env.FUZZ_RUNS ?? 1_000)
const RUN_MS_MAX = RUNS * 60
const SCRIPTS = {
  'Plain.read': '',
  'Soft.read': '',
  'Scripted.insert': 'function insert(item, user, request) { request.execute(); }',
  'Scripted.read': 'function read(query, user, request) { query.where("id ne ?", "x"); request.execute(); }',
  'Scripted.update': 'function update(item, user, request) { request.execute(); }',
  'Scripted.delete': 'function del(id, user, request) { request.execute(); }',
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'fuzz')
  service = await addScripted(postgres, 'todo', SCRIPTS, { isKeyRequired: false })
  const soft = { schema: 'todo', table: 'Soft', serviceId: service.id }
  await postgres.cluster.withClient(async (client) => await changeTable(client, soft, { kind: 'soft_delete_on' }), {
    database: 'apps',
  })
  runtime.setLeases()
  await runtime.assign([service])
  for (const name of ['TodoItem', 'Plain', 'Soft', 'Scripted']) {
    const body = { id: 'a', text: "it's", n: 1.5, b: true, d: '2020-01-01T00:00:00Z' }
    const answer = await runtime.call({ method: 'POST', path: `/tables/${name}`, body, headers: routed(service, APP) })
    assert.equal(answer.status, 201, answer.body)
  }
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

const path = fc
  .record({
    first: fc.oneof(
      { weight: 9, arbitrary: fc.constant('tables') },
      { weight: 1, arbitrary: fc.constantFrom('TABLES', 'api', 'jobs', '', 'status') },
    ),
    table: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('Plain', 'soft', 'Scripted', 'TodoItem') },
      { weight: 1, arbitrary: segment },
    ),
    id: fc.option(segment, { nil: null }),
    options: fc.array(option, { maxLength: 4 }),
  })
  .map(({ first, table, id, options }) => {
    const query = new URLSearchParams(options).toString()
    return `/${first}/${table}${id === null ? '' : `/${id}`}${query === '' ? '' : `?${query}`}`.slice(0, 8_000)
  })
const call: fc.Arbitrary<TestCall> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS'),
  path,
  headers: clientHeaders,
  body: itemBody,
})

test(`whatever an app sends is answered, and not with a failure of ours (FUZZ_SEED=${seed})`, {
  timeout: 2 * RUN_MS_MAX,
}, async () => {
  let answered = 0
  await fc.assert(
    fc.asyncProperty(call, async (one) => {
      const answer = await runtime.call({ ...one, headers: routed(service, one.headers ?? {}) })
      // As in the original: data that does not fit is the script's doing, where there is one.
      const isOfScript = answer.status === 500 && /^\/tables\/Scripted/i.test(one.path)
      assert.ok(
        (answer.status >= 200 && answer.status < 500) || isOfScript,
        `${answer.status} ${answer.body}\n${runtime.log.slice(-2_000)}`,
      )
      if (
        answer.status >= 400 &&
        answer.status !== 405 &&
        answer.body.startsWith('{') &&
        answer.status !== 412 &&
        answer.status !== 409
      ) {
        const told = JSON.parse(answer.body) as { error?: unknown }
        assert.ok(typeof told.error === 'string' && told.error.length > 0, answer.body)
      }
      if (answer.status < 300) answered += 1
    }),
    { seed, numRuns: RUNS, interruptAfterTimeLimit: RUN_MS_MAX },
  )
  // Only refusals would prove little.
  assert.ok(answered > RUNS / 20, `${answered} of ${RUNS} were answered`)
  assert.doesNotMatch(runtime.log, /a request failed/)
  const alive = await runtime.call({ path: '/tables/Plain?$top=1', headers: routed(service, APP) })
  assert.equal(alive.status, 200)
})
