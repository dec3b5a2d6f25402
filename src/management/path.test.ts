import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requirePlainPath } from './path.ts'

test('paths of the old tools pass, with what they put into them', () => {
  for (const path of [
    '/0b3c/services/mobileservices/mobileservices/My-App/tables/TodoItem/scripts/insert/code',
    '/0b3c/services/mobileservices/mobileservices/a1/hostnames/*.example.com',
    '/0b3c/services/?servicelist=Mobileservice&expandlist=../x',
    '/0b3c/services/mobileservices/mobileservices/a1/repository/service/shared/one%20two.js',
  ]) {
    assert.doesNotThrow(() => requirePlainPath(path), path)
  }
})

test('paths that could mean another place are refused', () => {
  for (const path of [
    '/a/../b',
    '/a/%2e%2e/b',
    '/a/b%2fc',
    '/a/b%5cc',
    '/a//b',
    '/a/%',
    '/a/.',
    '/a/b..c',
    '/a/é',
    '/',
  ]) {
    assert.throws(() => requirePlainPath(path), { code: 'http.bad_path' }, path)
  }
})
