import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_METHODS, type PermissionLevel } from '../contract/permissions.ts'
import { generalPermissions, parseApiRoutes } from './api-routes.ts'

const all = (level: PermissionLevel) => Object.fromEntries(API_METHODS.map((method) => [method, level]))
const level = (permission: string) => ({ permission })

test('one route for all is what the API has without routes', () => {
  assert.deepEqual(parseApiRoutes({ '*': level('user') }), { permissions: all('user'), routes: null })
  const kept = parseApiRoutes({ '*': { get: level('public'), '*': level('application') } })
  assert.deepEqual(kept, { permissions: { ...all('application'), get: 'public' }, routes: null })
})

test('what is not said is for admins', () => {
  assert.deepEqual(parseApiRoutes({}), { permissions: all('admin'), routes: null })
  assert.deepEqual(parseApiRoutes({ '*': { get: level('public') } }).permissions, { ...all('admin'), get: 'public' })
  const kept = parseApiRoutes({ open: level('public') })
  assert.deepEqual(generalPermissions(kept), all('admin'))
})

test('slashes around a route mean nothing, and the API itself is a route', () => {
  const { routes } = parseApiRoutes({ '/': level('public'), '/title/:id/': { get: level('authenticated') } })
  assert.deepEqual(routes, { '/': { '*': 'public' }, 'title/:id': { get: 'user' } })
})

test('upper and lower case are one, as they are in paths', () => {
  const { routes } = parseApiRoutes({ '/Admin': level('admin'), 'Title/:ID': level('user') })
  assert.deepEqual(Object.keys(routes ?? {}), ['admin', 'title/:id'])
})

const STRICTEST: [routes: Record<string, unknown>, get: PermissionLevel][] = [
  [{ '*': level('public'), a: level('public') }, 'public'],
  [{ '*': level('public'), a: level('application') }, 'application'],
  [{ '*': level('user'), a: level('public') }, 'user'],
  [{ '*': level('user'), a: level('application') }, 'admin'],
  [{ '*': level('public'), a: { post: level('public') } }, 'admin'],
  [{ a: level('public') }, 'admin'],
]
for (const [routes, get] of STRICTEST) {
  test(`who knows no routes takes ${JSON.stringify(routes)} for ${get}`, () => {
    assert.equal(parseApiRoutes(routes).permissions.get, get)
  })
}

const REFUSED: [given: unknown, message: RegExp][] = [
  [null, /is no object/],
  [[], /is no object/],
  ['*', /is no object/],
  [{ '*': 'public' }, /says is no object/],
  [{ '*': { get: 'public' } }, /none of public/],
  [{ '*': { get: level('everybody') } }, /none of public, application, user, admin/],
  [{ '*': { head: level('public') } }, /'head' of '\*' is none of get/],
  [{ '*': { get: { permission: 'public', more: 1 } } }, /'more' of 'get of \*' is unknown/],
  [{ '*': { permission: 'public', get: level('user') } }, /'get' of '\*' is unknown/],
  [{ a: level('user'), '/a/': level('public') }, /the route 'a' is there twice/],
  [{ admin: level('user'), Admin: level('public') }, /the route 'admin' is there twice/],
  [{ 'a b': level('user') }, /can be no route/],
  [{ '': level('user') }, /can be no route/],
  [Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`a${at}`, level('user')])), /more than 100 routes/],
]
for (const [given, message] of REFUSED) {
  test(`${JSON.stringify(given).slice(0, 60)} is refused`, () => {
    assert.throws(() => parseApiRoutes(given), { code: 'api.bad_routes', status: 400, message })
  })
}

test('a route with the name of a property of all objects is a route like another', () => {
  const given = JSON.parse('{ "__proto__": { "permission": "public" }, "constructor": { "permission": "user" } }')
  const { routes } = parseApiRoutes(given)
  assert.deepEqual(Object.keys(routes ?? {}), ['__proto__', 'constructor'])
  assert.equal(generalPermissions(parseApiRoutes(given)).get, 'admin')
})
