import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDue } from './watched.ts'

const entry = { server: 'sql-west-us', dataFolder: '/x', untilBootMs: 10_000, isFenced: false }

test('lets PostgreSQL run while its lease has more than the margin left', () => {
  assert.equal(isDue(entry, 9_699, 300), false)
})

test('stops PostgreSQL a margin before its lease ends', () => {
  assert.equal(isDue(entry, 9_700, 300), true)
})

test('never stops a server that no lease applies to', () => {
  assert.equal(isDue({ ...entry, untilBootMs: null }, 99_999_999, 300), false)
})
