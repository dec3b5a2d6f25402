// Permissions of custom APIs by route: each route that a script registers is for whom its own say, or the rest.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { parseApiRoutes } from '../../src/services/api-routes.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'
import { userToken } from '../support/user-tokens.ts'

const SCRIPT = `
exports.register = function (api) {
  api.get('/title/all', (q, s) => s.send(200, 'all'));
  api.get('title/:id/', (q, s) => s.send(200, 'one ' + q.params.id));
  api.post('/title/:id', (q, s) => s.send(200, 'posted'));
  api.get('/Admin', (q, s) => s.send(200, 'for admins'));
  api.get('/first', (q, s, next) => next(), (q, s, next) => next());
  api.get('/:any', (q, s) => s.send(200, 'any ' + q.params.any));
  api.get(/^\\/x+$/, (q, s) => s.send(200, 'expression'));
};
exports.get = (q, s) => s.send(200, 'root');
`
const level = (permission: string) => ({ permission })
const KEPT = parseApiRoutes({
  '/': { get: level('public') },
  'title/:id': { get: level('user'), '*': level('admin') },
  '/title/all': level('public'),
  admin: level('admin'),
  first: level('public'),
  '*': { get: level('application') },
})
const USER = { 'x-zumo-auth': userToken('master-key') }
const WHO = { nobody: {}, app: APP, user: USER, admin: MASTER }

// The answer that each gets; null: 401.
const CASES: [call: string, nobody: string | null, app: string | null, user: string | null, admin: string | null][] = [
  ['GET ', 'root', 'root', 'root', 'root'],
  ['GET /', 'root', 'root', 'root', 'root'],
  ['GET /title/all', 'all', 'all', 'all', 'all'],
  ['GET /TITLE/ALL/', 'all', 'all', 'all', 'all'],
  ['GET /title/7', null, null, 'one 7', 'one 7'],
  ['GET /%74itle', null, 'any title', null, 'any title'],
  ['POST /title/7', null, null, null, 'posted'],
  // However the script, the file and the request write it.
  ['GET /Admin', null, null, null, 'for admins'],
  ['GET /admin', null, null, null, 'for admins'],
  // Whoever may take the first route may not for that take the one that it hands over to.
  ['GET /first', null, 'any first', null, 'any first'],
  ['GET /other', null, 'any other', null, 'any other'],
  ['GET /xxx', null, 'any xxx', null, 'any xxx'],
]

describe('permissions of routes', () => {
  let postgres: TestCluster
  let runtime: TestRuntime
  let service: RuntimeService

  before(async () => {
    postgres = await startTestCluster()
    runtime = await TestRuntime.start(postgres.folder, 'routes')
    runtime.setLeases()
    const apis = [
      { name: 'books', permissions: KEPT.permissions, ...(KEPT.routes ? { routes: KEPT.routes } : {}) },
      { name: 'closed', permissions: KEPT.permissions, routes: { open: { get: 'admin' as const } } },
      {
        ...{ name: 'older', permissions: KEPT.permissions },
        routes: { '*': { get: 'public' as const }, Admin: { get: 'admin' as const } },
      },
    ]
    const closed = "exports.get = () => { throw new Error('ran'); };"
    service = await addScripted(
      postgres,
      'routed',
      { 'api/books': SCRIPT, 'api/closed': closed, 'api/older': SCRIPT },
      { apis },
    )
    await runtime.assign([service])
  })
  after(async () => {
    await runtime?.stop()
    await postgres?.stop()
  })

  for (const [call, ...expected] of CASES) {
    for (const [at, [who, headers]] of Object.entries(WHO).entries()) {
      const wanted = expected[at] ?? null
      test(`${call} by ${who} is ${wanted === null ? 'refused' : `answered '${wanted}'`}`, async () => {
        const [method = '', path = ''] = call.split(' ')
        const answer = await runtime.call({ method, path: `/api/books${path}`, headers: routed(service, headers) })
        if (wanted === null) assert.equal(answer.status, 401, answer.body)
        else assert.deepEqual([answer.status, answer.body], [200, wanted])
      })
    }
  }

  test('a path that no route answers is 404, and a method that none has is 405, for who may take any', async () => {
    const ask = async (method: string, path: string) =>
      (await runtime.call({ method, path: `/api/books${path}`, headers: routed(service, APP) })).status
    assert.equal(await ask('GET', '/a/b/c'), 404)
    assert.equal(await ask('PUT', '/title/7'), 405)
    const master = await runtime.call({ method: 'PUT', path: '/api/books/title/7', headers: routed(service, MASTER) })
    assert.deepEqual([master.status, master.headers.allow], [405, 'GET, POST'])
  })

  test('a route that control names in upper case is the same', async () => {
    const ask = async (path: string) =>
      (await runtime.call({ path: `/api/older${path}`, headers: routed(service, APP) })).status
    assert.deepEqual([await ask('/admin'), await ask('/other')], [401, 200])
  })

  test('who may take no route at all does not get as far as the script', async () => {
    const answer = await runtime.call({ path: '/api/closed', headers: routed(service, APP) })
    assert.equal(answer.status, 401)
    assert.doesNotMatch(runtime.log, /Error: ran/)
  })

  test('a runtime that knows of no routes lets nobody in who may not take every one of them', () => {
    assert.deepEqual(KEPT.permissions.get, 'admin')
  })
})
