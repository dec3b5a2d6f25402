import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseApiPermissions, parseNamedApiPermissions, parsePermissions } from './permissions.ts'

test('* stands for what is not named, wherever it is', () => {
  const expected = { insert: 'application', read: 'public', update: 'admin', delete: 'admin' }
  assert.deepEqual(parsePermissions('insert=application,read=public,*=admin'), expected)
  assert.deepEqual(parsePermissions('*=admin, read=public , INSERT=Application'), expected)
})

test('without * the others keep the default', () => {
  const expected = { insert: 'application', read: 'user', update: 'application', delete: 'application' }
  assert.deepEqual(parsePermissions('read=user'), expected)
})

test('an unknown operation or level is refused', () => {
  for (const list of ['', 'read', 'read=', 'read=all', 'raed=public', 'read=public,,']) {
    assert.throws(() => parsePermissions(list), { code: 'usage.bad_permissions' }, list)
  }
})

test('those of a custom API are by method', () => {
  const expected = { get: 'public', put: 'admin', post: 'user', patch: 'admin', delete: 'admin' }
  assert.deepEqual(parseApiPermissions('get=public,POST=user,*=admin'), expected)
  assert.deepEqual(parseNamedApiPermissions('get=public'), { get: 'public' })
  assert.throws(() => parseApiPermissions('read=public'), { code: 'usage.bad_permissions' })
})
