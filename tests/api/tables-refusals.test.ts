import { after, before, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { BODY_SCENARIOS } from '../support/runtime-bodies.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed, type Scenario } from '../support/runtime-scenario.ts'

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'tables')
  const tables = ['Items', 'Errors'].map((name) => ({ name, permissions: DEFAULT_PERMISSIONS }))
  service = await postgres.addService({ name: 'todo', tables })
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

const SCENARIOS: Scenario[] = [
  { is: 'status is open and empty', path: '/status', headers: { 'x-zumo-application': '' }, status: 200, equals: '' },
  {
    is: 'diagnostics are for who has the master key',
    path: '/diagnostics',
    status: 401,
    equals: errorBody(401, 'Unauthorized'),
  },
  {
    is: 'diagnostics tell of the runtime and of the database',
    path: '/Diagnostics',
    headers: MASTER,
    status: 200,
    contains: ['"serviceName":"todo"', '"uptime":"00.00:', '"sql":{', '"statusCode":200,"latencyMS":'],
  },
  {
    is: 'diagnostics are read',
    method: 'POST',
    path: '/diagnostics',
    headers: MASTER,
    status: 405,
    equals: '',
    answerHeaders: { allow: 'GET' },
  },
  { is: 'an unknown route', path: '/nothing', status: 404, equals: errorBody(404, 'Not Found') },
  { is: 'too many segments', path: '/tables/Items/a/b', status: 404, equals: errorBody(404, 'Not Found') },
  { is: 'an unknown table, before any key', path: '/tables/Nope', headers: { 'x-zumo-application': '' }, status: 404 },
  {
    is: 'PUT on a table',
    method: 'PUT',
    path: '/tables/Items',
    status: 405,
    equals: '',
    answerHeaders: { allow: 'GET, POST' },
  },
  {
    is: 'PUT on an item',
    method: 'PUT',
    path: '/tables/Items/a',
    status: 405,
    equals: '',
    answerHeaders: { allow: 'GET, POST, PATCH, DELETE' },
  },
  {
    is: 'PATCH on a table',
    method: 'PATCH',
    path: '/tables/Items',
    status: 400,
    contains: ['An id value must be specified in the URL for an update operation.'],
  },
  { is: 'a route in capitals', path: '/TABLES/ITEMS', status: 200 },
  {
    is: 'a version of no generation by header',
    path: '/tables/Items',
    headers: { 'ZUMO-API-VERSION': '1.0.0' },
    status: 400,
    contains: [`{"error":"The API version '1.0.0' is not supported: this server takes 2.0.0 in zumo-api-version."}`],
  },
  {
    is: 'a version of no generation by query',
    path: '/tables/Items?Zumo-Api-Version=3.0.0',
    status: 400,
    contains: ["'3.0.0'"],
  },
  {
    is: 'a filter that is none',
    path: '/tables/Items?$filter=a%20eq',
    status: 400,
    contains: ['Error: Invalid query specified. Error: Expression expected (at index 4)'],
  },
  { is: 'a $top over the most', path: '/tables/Items?$top=1001', status: 400, contains: ['cannot exceed 1000.'] },
  { is: 'a $top that is none', path: '/tables/Items?$top=x', status: 400, contains: ["'$top' must be a number."] },
  { is: 'a $skip below zero', path: '/tables/Items?$skip=-1', status: 400, contains: ['greater or equal to 0.'] },
  { is: 'an unknown option', path: '/tables/Items?$foo=1', status: 400, contains: ["parameter name '$foo'"] },
  {
    is: 'a list option by id',
    path: '/tables/Items/a?$top=1',
    status: 400,
    contains: ['cannot be applied to id queries.'],
  },
  {
    is: 'an unknown system property',
    path: '/tables/Items?__systemProperties=bogus',
    status: 400,
    contains: ["'bogus'"],
  },
  {
    is: 'an unknown column, dynamic',
    path: '/tables/Items?$orderby=nope&$inlinecount=allpages',
    status: 200,
    equals: '[]',
  },
  {
    is: 'SQL in $orderby',
    path: `/tables/Items?$orderby=id"%3Bdrop%20table`,
    status: 400,
    contains: [`Invalid query specified. Error: Syntax error '\\"' (at index 2)`],
  },
  { is: 'SQL in $select', path: `/tables/Items?$select=id"from`, status: 400, contains: ['is not a valid identifier'] },
  { is: 'noScript without the master key', path: '/tables/Items?noScript=true', status: 401 },
  { is: 'noScript with the master key', path: '/tables/Items?NOSCRIPT=true', headers: MASTER, status: 200 },
  {
    is: 'a row that is not there',
    path: '/tables/Items/no%20one',
    status: 404,
    equals: errorBody(404, "An item with id 'no one' does not exist."),
  },
  { is: 'a path that does not decode', path: '/tables/Items/%E0%A4%A', status: 400 },
  {
    is: 'an undelete with content',
    method: 'POST',
    path: '/tables/Items/a',
    body: {},
    status: 400,
    contains: ['must not have content.'],
  },
  {
    is: 'an undelete',
    method: 'POST',
    path: '/tables/Items/a',
    status: 400,
    contains: ['not supported on this table.'],
  },
  { is: 'a change of no row', method: 'PATCH', path: '/tables/Items/none', body: { text: 'x' }, status: 404 },
  {
    is: 'an empty change',
    method: 'PATCH',
    path: '/tables/Items/none',
    body: {},
    status: 200,
    equals: '{"id":"none"}',
  },
  {
    is: 'another id in the body',
    method: 'PATCH',
    path: '/tables/Items/a',
    body: { id: 'b', text: 'x' },
    status: 400,
    contains: ["'id' must match the id"],
  },
  {
    is: 'an unquoted etag',
    method: 'PATCH',
    path: '/tables/Items/a',
    body: { text: 'x' },
    headers: { 'if-match': 'abc' },
    status: 400,
    contains: ["Invalid 'if-match' header."],
  },
  {
    is: 'two etags',
    method: 'DELETE',
    path: '/tables/Items/a',
    headers: { 'if-match': '"a", "b"' },
    status: 400,
    contains: ['Only single etag'],
  },
  { is: 'a deletion of no row', method: 'DELETE', path: '/tables/Items/none', status: 404 },
  {
    is: 'an overridden method',
    method: 'POST',
    path: '/tables/Items/none',
    headers: { 'x-http-method-override': 'DELETE' },
    status: 404,
    contains: ["An item with id 'none'"],
  },
  {
    is: 'a body over the limit',
    method: 'POST',
    path: '/tables/Errors',
    body: { text: 'x'.repeat(1_048_576) },
    status: 413,
    equals: errorBody(413, 'Request body maximum size limit was exceeded.'),
  },
  {
    is: 'common headers',
    path: '/tables/Items',
    status: 200,
    answerHeaders: {
      'content-type': 'application/json',
      'cache-control': 'no-cache',
      'x-zumo-version': /^\d/,
      'x-zumo-server-version': /^nodev1-\d/,
      'x-powered-by': '',
    },
  },
  {
    is: 'a preflight of an allowed page',
    method: 'OPTIONS',
    path: '/tables/Items',
    headers: { origin: 'http://localhost:3000', 'access-control-request-headers': 'x-zumo-application' },
    status: 204,
    answerHeaders: {
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-headers': 'x-zumo-application',
      'access-control-allow-methods': /PATCH/,
      'access-control-max-age': '300',
    },
  },
  {
    is: 'a preflight of another page',
    method: 'OPTIONS',
    path: '/tables/Items',
    headers: { origin: 'http://evil.test' },
    status: 204,
    answerHeaders: { 'access-control-allow-origin': '', 'access-control-allow-methods': '' },
  },
]

for (const scenario of [...SCENARIOS, ...BODY_SCENARIOS]) {
  test(`${scenario.is}: ${scenario.status}`, async () => check(scenario, await ask(scenario)))
}
