import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopbackHost } from './loopback.ts'

for (const [host, expected] of [
  ['localhost', true],
  ['Todo.Localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['[::1]', true],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['mylocalhost', false],
  ['10.0.0.1', false],
  ['', false],
] as const) {
  test(`${host || 'nothing'} is ${expected ? '' : 'not '}this machine`, () =>
    assert.equal(isLoopbackHost(host), expected))
}
