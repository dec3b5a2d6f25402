import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkDomainName } from './domain-name.ts'

const BASE = 'apps.example.net'

describe('a domain of a service', () => {
  const good: [string, string][] = [
    ['API.Example.com', 'api.example.com'],
    [' a.b ', 'a.b'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['example.net', 'example.net'],
    ['my-apps.example.net', 'my-apps.example.net'],
    [`${'a'.repeat(63)}.example.com`, `${'a'.repeat(63)}.example.com`],
  ]
  for (const [text, name] of good) {
    test(`may be ${text.trim()}`, () => assert.equal(checkDomainName(text, BASE), name))
  }

  const bad = [
    ...['', 'example', 'a..b', '.example.com', 'example.com.', '*.example.com', 'a_b.example.com', '-a.example.com'],
    ...['a-.example.com', 'example.com:443', 'https://example.com', 'example.com/x', '10.0.0.1', '1.2', '[::1]'],
    ...['a b.example.com', `${'a'.repeat(64)}.example.com`, `${'a.'.repeat(130)}com`, 'exa\u0000mple.com', "a'.b.com"],
  ]
  for (const text of bad) {
    test(`cannot be ${JSON.stringify(text)}`, () =>
      assert.throws(() => checkDomainName(text, BASE), { code: 'domain.bad_name', status: 400 }))
  }

  for (const text of ['x.localhost', 'Todo.LOCALHOST', BASE, 'todo.Apps.Example.net']) {
    test(`cannot be this cloud's own ${text}`, () =>
      assert.throws(() => checkDomainName(text, BASE), { code: 'domain.own_name', status: 400 }))
  }
})
