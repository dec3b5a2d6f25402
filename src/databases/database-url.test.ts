import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDatabaseUrl } from './database-url.ts'

describe('the URL of a database', () => {
  const good: [
    string,
    { hosts: string[]; user?: string; password?: string; database?: string; tls?: string | null },
  ][] = [
    ['postgres://u:p@db/control', { hosts: ['db 5432'], user: 'u', password: 'p', database: 'control', tls: null }],
    ['postgresql://u:p@h1:5432,h2:5433/c', { hosts: ['h1 5432', 'h2 5433'] }],
    ['postgres://u:a%40b%3Ac%2F@h/c', { hosts: ['h 5432'], password: 'a@b:c/' }],
    ['postgres://u:p@%2Frun%2Fpg,h2/c', { hosts: ['/run/pg 5432', 'h2 5432'] }],
    ['postgres://u:p@/c?host=/run/pg', { hosts: ['/run/pg 5432'] }],
    ['postgres://u:p@[::1]:6000/c', { hosts: ['::1 6000'] }],
    ['postgres://u@h', { hosts: ['h 5432'], password: '', database: 'u' }],
    [
      'postgres://u:p@h/c?sslmode=verify-full&target_session_attrs=read-write',
      { hosts: ['h 5432'], tls: 'verify-full' },
    ],
  ]
  for (const [text, wanted] of good) {
    test(text, () => {
      const found = parseDatabaseUrl(text)
      const { hosts, ...rest } = wanted
      assert.deepEqual(
        found.hosts.map(({ host, port }) => `${host} ${port}`),
        hosts,
      )
      assert.deepEqual({ ...found, ...rest }, found)
    })
  }

  const bad = [
    'mysql://u:geheim@h/c',
    'postgres://h/c',
    'postgres://u:geheim@h:port/c',
    'postgres://u:geheim@h1,,h2/c',
    'postgres://u:geheim@h/c?sslmode=prefer',
    'postgres://u:geheim@h/c?target_session_attrs=any',
    'postgres://u:geheim@h/c?application=x',
    'postgres://u:%zzgeheim@h/c',
  ]
  for (const text of bad) {
    test(`is refused, without repeating a password: ${text}`, () => {
      assert.throws(
        () => parseDatabaseUrl(text),
        (error: { code: string; message: string; hint: string }) => {
          assert.equal(error.code, 'options.bad_url')
          assert.doesNotMatch(error.message + error.hint, /geheim/)
          return true
        },
      )
    })
  }
})
