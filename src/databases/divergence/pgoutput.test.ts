import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oldRowOf, parseMessage, type Relation, rowOf, UNCHANGED } from './pgoutput.ts'

const ITEM: Relation = {
  id: 16_385,
  schema: 'todo',
  table: 'Item',
  columns: [
    { name: 'id', isKey: true },
    { name: '__proto__', isKey: false },
    { name: 'big', isKey: false },
  ],
}

test('a begin tells position, commit time to the microsecond, and transaction id', () => {
  const begin = (micros: bigint) => parseMessage(bytes('B', int64(0x1_02a0_3b48n), int64(micros), int32(4_000_000_000)))
  const found = { kind: 'begin', commitLsn: 0x1_02a0_3b48n, xid: 4_000_000_000 }
  assert.deepEqual(begin(846_000_000_123_456n), { ...found, committedAt: '2026-10-22T16:00:00.123456Z' })
  assert.deepEqual(begin(-1n), { ...found, committedAt: '1999-12-31T23:59:59.999999Z' })
})

test('a relation tells its columns, and which of them are its replica identity', () => {
  const columns = [
    bytes('\u0001', name('id'), int32(25), int32(-1)),
    bytes('\0', name('__proto__'), int32(25), int32(-1)),
    bytes('\0', name('big'), int32(25), int32(-1)),
  ]
  const message = bytes('R', int32(16_385), name('todo'), name('Item'), 'f', int16(3), ...columns)
  assert.deepEqual(parseMessage(message), { kind: 'relation', relation: ITEM })
})

const FIELDS = bytes(int16(3), text('ï'), 'n', 'u')
const PARSED = ['ï', null, UNCHANGED]
const CASES: [string, Buffer, object][] = [
  ['insert', bytes('I', int32(7), 'N', FIELDS), { kind: 'insert', relationId: 7, after: PARSED }],
  [
    'update of a whole row',
    bytes('U', int32(7), 'O', FIELDS, 'N', FIELDS),
    { kind: 'update', relationId: 7, before: { kind: 'full', fields: PARSED }, after: PARSED },
  ],
  [
    'update by key',
    bytes('U', int32(7), 'K', FIELDS, 'N', FIELDS),
    { kind: 'update', relationId: 7, before: { kind: 'key', fields: PARSED }, after: PARSED },
  ],
  [
    'update that leaves the key',
    bytes('U', int32(7), 'N', FIELDS),
    { kind: 'update', relationId: 7, before: null, after: PARSED },
  ],
  [
    'deletion',
    bytes('D', int32(7), 'O', FIELDS),
    { kind: 'delete', relationId: 7, before: { kind: 'full', fields: PARSED } },
  ],
  ['truncation', bytes('T', int32(2), '\0', int32(7), int32(8)), { kind: 'truncate', relationIds: [7, 8] }],
  ['commit', bytes('C', '\0', int64(1n), int64(2n), int64(3n)), { kind: 'commit' }],
  ['type', bytes('Y', int32(7), name('public'), name('mood')), { kind: 'other' }],
]

for (const [what, message, expected] of CASES) {
  test(`reads a message: ${what}`, () => assert.deepEqual(parseMessage(message), expected))
}

test('what it does not know, or what is cut short, is an error and never a change that is passed over', () => {
  const wrong = [bytes('S', int32(1)), bytes('I', int32(7), 'X', FIELDS), bytes('I', int32(7), 'N', int16(1), 'b')]
  for (const message of wrong) assert.throws(() => parseMessage(message), TypeError)
  const whole = bytes('I', int32(7), 'N', int16(1), text('a longer text'))
  for (let end = 1; end < whole.length; end += 1) assert.throws(() => parseMessage(whole.subarray(0, end)))
})

test('an unchanged value is filled in from the old row, and left out where nobody has it', () => {
  const old = rowOf(ITEM, ['a', 'b', 'c'])
  assert.deepEqual(Object.entries(old), [
    ['id', 'a'],
    ['__proto__', 'b'],
    ['big', 'c'],
  ])
  assert.deepEqual(Object.entries(rowOf(ITEM, ['a', null, UNCHANGED], old)), [
    ['id', 'a'],
    ['__proto__', null],
    ['big', 'c'],
  ])
  assert.deepEqual(rowOf(ITEM, ['a', UNCHANGED, UNCHANGED]), { id: 'a' })
  assert.deepEqual(oldRowOf(ITEM, { kind: 'key', fields: ['a', null, null] }), { id: 'a' })
})

function bytes(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function name(value: string): Buffer {
  return bytes(value, '\0')
}

function text(value: string): Buffer {
  return bytes('t', int32(Buffer.byteLength(value)), value)
}

function int16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255])
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value >>> 0)
  return buffer
}

function int64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(value)
  return buffer
}
