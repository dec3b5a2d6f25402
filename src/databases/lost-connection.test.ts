import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { isElsewhereNow } from './lost-connection.ts'

const ofServer = (code: string) => Object.assign(new pg.DatabaseError('x', 1, 'error'), { code })
const ofSocket = (code: string) => Object.assign(new Error('connect'), { code })

test('a server that went away is told apart from one that refuses', () => {
  const lost = [ofServer('57P01'), ofServer('57P03'), ofServer('08006'), ofSocket('ENOENT'), ofSocket('ECONNRESET')]
  const others = [ofServer('23505'), ofServer('57014'), ofServer('XX000'), new TypeError('a bug'), 'text', null]
  assert.deepEqual(
    lost.filter((error) => !isElsewhereNow(error)),
    [],
  )
  assert.ok(isElsewhereNow(new Error('Connection terminated unexpectedly')))
  assert.deepEqual(others.filter(isElsewhereNow), [])
})
