import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWalMessage, writeStatus } from './wal-messages.ts'

const AT = Date.UTC(2026, 10, 25, 12)
const micros = BigInt(AT - Date.UTC(2000, 0, 1)) * 1_000n

test('data and keepalives are read with their positions and times', () => {
  const data = Buffer.alloc(25 + 3, 'w')
  data.writeBigUInt64BE(0x100000028n, 1)
  data.writeBigUInt64BE(0x10000002bn, 9)
  data.writeBigInt64BE(micros, 17)
  assert.deepEqual(readWalMessage(data), {
    kind: 'data',
    start: 0x100000028n,
    serverEnd: 0x10000002bn,
    sentAt: AT,
    data: Buffer.from('www'),
  })
  const alive = Buffer.alloc(18, 'k')
  alive.writeBigUInt64BE(7n, 1)
  alive.writeBigInt64BE(micros, 9)
  alive[17] = 1
  assert.deepEqual(readWalMessage(alive), { kind: 'keepalive', serverEnd: 7n, sentAt: AT, wantsReply: true })
  assert.equal(readWalMessage(Buffer.from('x')), null)
  assert.equal(readWalMessage(Buffer.from('w')), null)
})

test('a status has the form that PostgreSQL reads', () => {
  const status = writeStatus({ received: 9n, flushed: 5n, nowMs: AT, wantsReply: true })
  assert.equal(status.length, 34)
  assert.deepEqual(
    [1, 9, 17].map((at) => status.readBigUInt64BE(at)),
    [9n, 5n, 5n],
  )
  assert.equal(status.readBigInt64BE(25), micros)
  assert.equal(status[33], 1)
})
