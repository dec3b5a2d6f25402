import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findDestination } from './router.ts'

describe('a request is for', () => {
  const rows: [string, string | undefined, string, string | null][] = [
    ['the service in the host name', 'TodoList.localhost:8080', '/tables/a?$top=1', 'todolist /tables/a?$top=1'],
    ['the service in the path', 'localhost:8080', '/services/Todo/tables/a', 'todo /tables/a'],
    ['the service in the path, whatever the host name says', 'x.example.com', '/services/todo/a', 'todo /a'],
    ['the root of a service in the path', 'localhost', '/services/todo', 'todo /'],
    ['a service in the path with a query only', 'localhost', '/services/todo?x=1', 'todo /?x=1'],
    ['the gateway itself', 'localhost:8080', '/', null],
    ['the gateway itself by address', '127.0.0.1:8080', '/tables/a', null],
    ['the gateway itself by address of version 6', '[::1]:8080', '/tables/a', null],
    ['the gateway itself without a host', undefined, '/', null],
    ['nobody, when the path names nobody', 'localhost', '/services/', null],
    ['the service of a domain', 'api.example.com', '/tables/a', 'todo /tables/a'],
    ['the service of a domain, whatever the path says', 'api.example.com', '/services/x/a', 'todo /services/x/a'],
  ]
  for (const [name, host, url, expected] of rows) {
    test(name, () => {
      const found = findDestination(host, url, (one) => (one === 'api.example.com' ? 'todo' : null))
      assert.equal(found && `${found.service} ${found.path}`, expected)
    })
  }
})
