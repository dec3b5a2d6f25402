import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePermissions } from './table-permissions.ts'

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
