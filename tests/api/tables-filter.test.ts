// The query language against a running runtime over a real PostgreSQL: what each function finds, what is refused, and
// random filters over random rows, compared with what they mean.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { parseFilter } from '../../src/query/parse.ts'
import { evaluate, order, type QueryRow } from '../support/evaluate-query.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, routed } from '../support/runtime-scenario.ts'

const RANDOM_ROWS = 120
const RANDOM_FILTERS = 400

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService
let fixed: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'tables')
  const tables = ['People', 'Random', 'Changes'].map((name) => ({ name, permissions: DEFAULT_PERMISSIONS }))
  service = await postgres.addService({ name: 'todo', tables })
  fixed = await postgres.addService({ name: 'fixed', isSchemaDynamic: false })
  runtime.setLeases()
  await runtime.assign([service, fixed])
  for (const body of PEOPLE) assert.equal((await ask({ method: 'POST', path: '/tables/People', body })).status, 201)
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

const PEOPLE = [
  { id: '1', name: 'Amélie', n: 1.5, done: true, at: '2013-02-03T04:05:06.789Z' },
  { id: '2', name: 'American', n: -2.5, done: false, at: '2014-12-31T23:59:59.000Z' },
  { id: '3', name: "O'Neil 100%", n: 3, done: false, at: '2013-02-03T04:05:06.000Z' },
  { id: '4', name: ' under_score\\ ', n: 0.5, done: true, at: null },
  { id: '5', name: null, n: null, done: null, at: '1969-12-31T23:59:59.999Z' },
  { id: '6', name: 'amelie', n: 12345678901, done: false, at: '2013-02-03T04:05:07.000Z' },
]

async function ask(call: TestCall, to = service): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(to, { ...APP, ...call.headers }) })
}

async function list(options: Record<string, string>, table = 'People'): Promise<TestAnswer> {
  return await ask({ path: `/tables/${table}?${new URLSearchParams(options)}` })
}

async function idsOf(options: Record<string, string>, table = 'People'): Promise<string> {
  const answer = await list(options, table)
  assert.equal(answer.status, 200, `${JSON.stringify(options)}: ${answer.body}`)
  return (JSON.parse(answer.body) as { id: string }[]).map(({ id }) => id).join(',')
}

for (const [$filter, expected] of [
  ["name eq 'AMÉLIE'", '1'],
  ["name ne 'american'", '1,3,4,6'],
  ["name lt 'American'", '1,4,6'],
  ["name ge 'AMÉLIE'", '1,2,3'],
  ['name eq null', '5'],
  ['name ne null and done', '1,4'],
  ['not done', '2,3,6'],
  ['not (done eq true) or name eq null', '2,3,5,6'],
  ['true', '1,2,3,4,5,6'],
  ['null', ''],
  ['n gt 1 and n le 3', '1,3'],
  ['n eq 12345678901', '6'],
  ["n eq '3'", '3'],
  ['-n eq 2.5', '2'],
  ['n add 1 mul 2 eq 5', '3'],
  ['n div 2 eq 1.5', '3'],
  ['n mod 2 eq 1', '3,4,6'],
  ['floor(n) eq -3 or ceiling(n) eq 2', '1,2'],
  ['round(n) eq -3 or round(n) eq 1', '2,4'],
  ["startswith(name,'ame')", '2,6'],
  ["startswith(name,'AMÉ') eq true", '1'],
  ["startswith(name,'ame') eq false", '1,3,4'],
  ["endswith(name,'LIE')", '1,6'],
  ["substringof('eli',name)", '6'],
  ["substringof('O''N',name)", '3'],
  ["substringof('0%',name)", '3'],
  ["substringof('r_s',name)", '4'],
  ["substringof('a_e',name)", '2,6'],
  ["substringof('e\\',name)", '4'],
  ["substringof('[j-l]ie',name)", '1,6'],
  ["startswith(name,'am[^e]')", '1'],
  ['substringof(name,name)', '1,2,3,4,6'],
  ["indexof(name,'MELIE') eq 1", '6'],
  ["indexof(name,'zz') eq -1", '1,2,3,4,6'],
  ['length(name) eq 14', '4'],
  ['length(trim(name)) eq 12', '4'],
  ["toupper(name) eq 'AMELIE'", '6'],
  ["tolower(name) eq concat('Am','elie')", '6'],
  ["concat(concat(id,'-'),n) eq '3-3'", '3'],
  ["replace(name,'AM','b') eq 'belie'", '6'],
  ["replace(name,'$&','x') eq name", '1,2,3,4,6'],
  ["substring(name,1) eq 'melie'", '6'],
  ["substring(name,2,3) eq 'eri'", '2'],
  ["at eq datetime'2013-02-03T04:05:06.789Z'", '1'],
  ["at gt datetime'2013-02-03T04:05:06.789Z'", '2,6'],
  ["at lt datetimeoffset'1970-01-01T01:00:00+01:00'", '5'],
  ["at ge '2014-01-01T00:00:00Z'", '2'],
  ['year(at) eq 2013 and month(at) eq 2 and day(at) eq 3', '1,3,6'],
  ['hour(at) eq 23 and minute(at) eq 59 and second(at) eq 59', '2,5'],
  ["__createdAt gt datetime'2020-01-01T00:00:00Z' and __updatedAt ge __createdAt", '1,2,3,4,5,6'],
  ["NAME eq 'amelie'", '6'],
] as const) {
  test(`$filter=${$filter} finds ${expected}`, async () => assert.equal(await idsOf({ $filter }), expected))
}

test('text is ordered by letters, not by codes; nulls come first, and last when descending', async () => {
  assert.equal(await idsOf({ $orderby: 'name' }), '5,4,6,1,2,3')
  assert.equal(await idsOf({ $orderby: 'name desc' }), '3,2,1,6,4,5')
  assert.equal(await idsOf({ $orderby: 'length(name) desc,n' }), '4,3,2,1,6,5')
  assert.equal(await idsOf({ $orderby: "true,null desc,1,'x',true eq true,n desc" }), '6,3,1,4,2,5')
  assert.equal(await idsOf({ $orderby: 'done,n desc', $filter: 'done ne null' }), '6,3,2,1,4')
})

test('a count honours the filter, and no page', async () => {
  const answer = await list({ $filter: 'n gt 0', $top: '1', $inlinecount: 'allpages', $select: 'id' })
  check({ status: 200, equals: '{"results":[{"id":"1"}],"count":4}' }, answer)
})

test('a read by id honours a filter', async () => {
  const path = `/tables/People/1?${new URLSearchParams({ $filter: 'n eq 1.5', $select: 'id' })}`
  check({ status: 200, equals: '{"id":"1"}' }, await ask({ path }))
  const other = `/tables/People/1?${new URLSearchParams({ $filter: 'n eq 2' })}`
  check({ status: 404, equals: errorBody(404, "An item with id '1' does not exist.") }, await ask({ path: other }))
})

test('a version is compared as what an app was shown', async () => {
  const row = JSON.parse((await ask({ path: '/tables/People/2?__systemProperties=*' })).body)
  assert.equal(await idsOf({ $filter: `__version eq '${row.__version}'` }), '2')
  assert.equal(await idsOf({ $filter: `__updatedAt eq datetimeoffset'${row.__updatedAt}' and id eq '2'` }), '2')
  assert.equal(await idsOf({ $filter: "__version eq 'x'" }), '')
})

test('an unknown column gives no rows, or is refused where columns are fixed', async () => {
  check({ status: 200, equals: '[]' }, await list({ $filter: 'nope eq 1', $inlinecount: 'allpages' }))
  check({ status: 200, equals: '[]' }, await list({ $orderby: 'length(nope)' }))
  const answer = await ask({ path: '/tables/TodoItem?$filter=nope%20eq%201' }, fixed)
  check({ status: 400, contains: ['Invalid column name specified in query.'] }, answer)
})

for (const [$filter, message] of [
  ["name eq 'x", 'Invalid query specified. Error: Unterminated string literal (at index 8)'],
  ['name', 'Invalid query specified. Error: A condition is expected (at index 0)'],
  ["n eq 'x'", 'Invalid query specified. Error: The value can not be compared with a number (at index 5)'],
  ['n eq name', 'Invalid query specified. Error: The operands are of types that can not be compared (at index 0)'],
  ['n add name eq 1', 'Invalid query specified. Error: A number is expected (at index 6)'],
  ['n div 0 eq 1', 'Bad request.'],
  ['n mul 1e308 mul 1e308 gt 1', 'Bad request.'],
  ["substring(name,0,-1) eq ''", 'Bad request.'],
  ["substringof('[z-a]',name)", 'Bad request.'],
  ["at gt 'soon'", 'Invalid query specified. Error: A date is expected (at index 6)'],
] as const) {
  test(`$filter=${$filter} is refused: ${message}`, async () => {
    check({ status: 400, equals: errorBody(400, message) }, await list({ $filter }))
  })
}

test('a filter of a thousand terms is answered', async () => {
  const ids = Array.from({ length: 500 }, (_, index) => `id eq '${index}'`).join(' or ')
  assert.equal(await idsOf({ $filter: ids }), '1,2,3,4,5,6')
})

test('whoever reads by updatedAt is shown nothing that may still be overtaken', async () => {
  const insert = async (id: string) => {
    assert.equal((await ask({ method: 'POST', path: '/tables/Changes', body: { id } })).status, 201)
  }
  await insert('before')
  const $filter = "__updatedAt ge datetimeoffset'1970-01-01T00:00:00Z'"
  assert.equal(await idsOf({ $filter }, 'Changes'), 'before')
  await postgres.cluster.withClient(
    async (slow) => {
      await slow.query('begin')
      await slow.query(`insert into todo."Changes" (id) values ('slow')`)
      // Stamped later, and there already: shown now, its reader would go on behind the slow one.
      await insert('fast')
      assert.equal(await idsOf({ $filter }, 'Changes'), 'before')
      assert.equal(await idsOf({}, 'Changes'), 'before,fast')
      await slow.query('commit')
    },
    { database: 'apps' },
  )
  assert.equal(await idsOf({ $filter, $orderby: '__updatedAt' }, 'Changes'), 'before,slow,fast')
})

test('a server whose host is older answers reads of changes all the same', async () => {
  const $filter = "__updatedAt ge datetimeoffset'1970-01-01T00:00:00Z'"
  await postgres.sql('alter function mainstay.settled() rename to settled_elsewhere')
  try {
    assert.equal(await idsOf({ $filter }, 'Changes'), 'before,fast,slow')
  } finally {
    await postgres.sql('alter function mainstay.settled_elsewhere() rename to settled')
  }
})

// ---- random filters over random rows

const LETTERS = ['a', 'A', 'b', 'é', 'É', 'e', 'ä', 'z', ' ', '%', '_', '\\', "'", '1', '日']
const pieces = (maxLength: number) =>
  fc.array(fc.constantFrom(...LETTERS), { maxLength }).map((parts) => parts.join(''))
const quarters = fc.integer({ min: -20, max: 20 }).map((count) => count / 4)
const moments = fc
  .integer({ min: 0, max: 4 })
  .map((step) => new Date(Date.UTC(2013, 11 * step, 28 + step, 23, 59, 58 + step, step)))
const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 6 })
const rows = fc.record({
  t: nullable(pieces(4)),
  u: nullable(pieces(3)),
  n: nullable(quarters),
  m: nullable(quarters),
  b: nullable(fc.boolean()),
  d: nullable(moments),
})

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
const whole = fc.integer({ min: 0, max: 3 }).map(String)
const { bool } = fc.letrec<{ bool: string; text: string; number: string }>((tie) => {
  const [bool, text, number] = [tie('bool'), tie('text'), tie('number')]
  const operator = fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le')
  const date = fc.oneof(
    fc.constant('d'),
    moments.map((moment) => `datetime'${moment.toISOString()}'`),
  )
  const joined = (...parts: (fc.Arbitrary<string> | string)[]) =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((all) => all.join(''))
  const column = fc.constantFrom('t', 'u')
  const bounded = { maxDepth: 3, depthIdentifier: 'query' }
  return {
    text: fc.oneof(
      bounded,
      column,
      pieces(3).map(quoted),
      joined(fc.constantFrom('tolower', 'toupper', 'trim'), '(', text, ')'),
      joined('concat(', text, ',', text, ')'),
      joined('replace(', column, ',', pieces(2).map(quoted), ',', pieces(2).map(quoted), ')'),
      joined('substring(', text, ',', whole, ')'),
      joined('substring(', text, ',', whole, ',', whole, ')'),
    ),
    number: fc.oneof(
      bounded,
      fc.constantFrom('n', 'm'),
      quarters.map(String),
      joined(fc.constantFrom('floor', 'ceiling', 'round'), '(', number, ')'),
      joined('length(', text, ')'),
      joined('indexof(', text, ',', text, ')'),
      joined(fc.constantFrom('day', 'month', 'year', 'hour', 'minute', 'second'), '(', date, ')'),
      joined('(', number, fc.constantFrom(' add ', ' sub ', ' mul '), number, ')'),
      joined('(', number, fc.constantFrom(' div ', ' mod '), fc.constantFrom('2', '-0.5', '4'), ')'),
      joined('-', number),
    ),
    bool: fc.oneof(
      bounded,
      fc.constantFrom('b', 'true', 'false', 'b eq true', 'b ne false', 't eq null', 'n ne null'),
      joined('(', text, ' ', operator, ' ', text, ')'),
      joined('(', number, ' ', operator, ' ', number, ')'),
      joined('(', date, ' ', operator, ' ', date, ')'),
      joined(fc.constantFrom('startswith', 'endswith', 'substringof'), '(', text, ',', text, ')'),
      joined('not (', bool, ')'),
      joined('(', bool, ' and ', bool, ')'),
      joined('(', bool, ' or ', bool, ')'),
    ),
  }
})

test('random filters find in random rows what they mean', { timeout: 120_000 }, async () => {
  const made = fc.sample(rows, { numRuns: RANDOM_ROWS, seed: 7 }).map((row, index) => ({ id: String(index), ...row }))
  // One row with everything, so that each column is there.
  const [first] = fc.sample(
    fc.record({ t: pieces(2), u: pieces(2), n: quarters, m: quarters, b: fc.boolean(), d: moments }),
    { numRuns: 1, seed: 1 },
  )
  const all: QueryRow[] = [{ id: 'all', ...first }, ...made]
  for (const body of all) {
    const answer = await ask({ method: 'POST', path: '/tables/Random', body })
    assert.equal(answer.status, 201, answer.body)
  }
  await fc.assert(
    fc.asyncProperty(bool, async ($filter) => {
      const meant = parseFilter($filter)
      const expected = all.filter((row) => evaluate(meant, row) === true).map(({ id }) => String(id))
      const found = await idsOf({ $filter, $top: '1000', $select: 'id' }, 'Random')
      assert.deepEqual(found.split(',').filter(Boolean).sort(), expected.sort(), $filter)
    }),
    { numRuns: RANDOM_FILTERS },
  )
  for (const column of ['t', 'n', 'b', 'd']) {
    const ordered = all.toSorted((left, right) => order(left[column] ?? null, right[column] ?? null))
    const values = async ($orderby: string) =>
      JSON.parse((await list({ $orderby, $top: '1000', $select: column }, 'Random')).body).map(
        (row: QueryRow) => row[column] ?? null,
      )
    const found: QueryRow[string][] = await values(column)
    const signs = found.map((value, index) => order(shown(value), shown(ordered[index]?.[column] ?? null)))
    assert.ok(
      signs.every((sign) => sign === 0),
      column,
    )
  }
})

// As JSON shows it.
function shown(value: QueryRow[string]): QueryRow[string] {
  return value instanceof Date ? value.toISOString() : value
}
