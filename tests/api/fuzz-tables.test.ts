// Whatever an app sends to its tables: an answer below 500 in the form of its generation, and a runtime that lives.
// More of them: FUZZ_RUNS=20000; the same again: FUZZ_SEED=… node --test tests/api/fuzz-tables.test.ts.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { seedOf, text, value } from '../support/nasty.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, MASTER, routed } from '../support/runtime-scenario.ts'
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
const COLUMNS = ['id', 'text', 'n', 'b', 'd', 'version', '__version', 'updatedAt', '__updatedAt', 'deleted', 'nope']
const FUNCTIONS = ['length', 'startswith', 'substringof', 'indexof', 'replace', 'substring', 'concat', 'round', 'year']

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

// Nearly a query: pieces that belong together, in any order.
const literal = fc.oneof(
  text.map((word) => `'${word.replaceAll("'", "''")}'`),
  fc.constantFrom(
    '1',
    '-1',
    '0',
    '1e300',
    '1.5f',
    '99999999999999999999',
    'null',
    'true',
    "datetime'2020-01-01T00:00:00Z'",
  ),
  fc.constantFrom("'AAAAAAAAAAE='", "'[a-'", "'[z-a]'", "'%'", "'2020-01-01'", "''"),
)
const { query } = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...COLUMNS),
    literal,
    fc
      .tuple(
        tie('query'),
        fc.constantFrom('eq', 'ne', 'gt', 'le', 'and', 'or', 'add', 'div', 'mod', 'mul'),
        tie('query'),
      )
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc
      .tuple(fc.constantFrom(...FUNCTIONS), fc.array(tie('query'), { minLength: 1, maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(',')})`),
    tie('query').map((inner) => `not ${inner}`),
    text,
  ),
}))
const option = fc.oneof(
  fc.tuple(fc.constant('$filter'), query),
  fc.tuple(
    fc.constant('$orderby'),
    query.map((term) => `${term} desc`),
  ),
  fc.tuple(
    fc.constant('$select'),
    fc.array(fc.constantFrom(...COLUMNS), { maxLength: 4 }).map((names) => names.join(',')),
  ),
  fc.tuple(fc.constantFrom('$top', '$skip'), fc.oneof(fc.constantFrom('0', '10', '1000', '-1', '1001'), text)),
  fc.tuple(fc.constantFrom('$inlinecount', '__systemProperties', '__includeDeleted', 'noScript', 'mine', '$foo'), text),
  fc.constantFrom<[string, string]>(
    ['$inlinecount', 'allpages'],
    ['__includeDeleted', 'true'],
    ['__systemProperties', '*'],
  ),
)
const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'A', 'new') },
  { weight: 2, arbitrary: text.map((word) => encodeURIComponent(word.toWellFormed()).slice(0, 2_000)) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%ZZ', '%C0%80', '%ff', '%00', '%2e%2e', '%2F') },
)
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
const fields = fc.dictionary(fc.constantFrom(...COLUMNS, 'new', 'ID', 'a b', '__proto__', 'Text'), value, {
  maxKeys: 4,
  noNullPrototype: true,
})
const body = fc.oneof(
  { weight: 8, arbitrary: fields.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.jsonValue().map((one) => JSON.stringify(one)) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{',
      '\0',
      'null',
      '[',
      '{"id":"\\ud800"}',
      '{"text":"\\u0000"}',
      '{"__proto__":{"id":"x"}}',
    ),
  },
)
const headers = fc
  .record({
    generation: fc.option(fc.constantFrom('2.0.0', '2.0.7', '1.0.0', 'x'), { nil: null }),
    match: fc.option(fc.constantFrom('"AAAAAAAAAAE="', '*', 'x', '"a","b"', '""', '"\\"'), { nil: null, freq: 2 }),
    isMaster: fc.boolean(),
    type: fc.option(fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', ''), {
      nil: null,
      freq: 6,
    }),
    method: fc.option(fc.constantFrom('PATCH', 'DELETE', 'get', 'NOPE'), { nil: null, freq: 6 }),
  })
  .map(
    ({ generation, match, isMaster, type, method }): Record<string, string> => ({
      ...(isMaster ? MASTER : APP),
      ...(generation === null ? {} : { 'zumo-api-version': generation }),
      ...(match === null ? {} : { 'if-match': match, 'if-none-match': match }),
      ...(type === null ? {} : { 'content-type': type }),
      ...(method === null ? {} : { 'x-http-method-override': method }),
    }),
  )
const call: fc.Arbitrary<TestCall> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS'),
  path,
  headers,
  body,
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
