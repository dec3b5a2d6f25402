import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  historyKey,
  makeBackupId,
  manifestKey,
  nameWal,
  partKey,
  readName,
  seenKey,
  timeOfBackup,
} from './object-names.ts'

const AT = new Date('2026-11-25T12:00:00.123Z')

test('names are read back as what they were made from', () => {
  const piece = nameWal('sql-1', { timeline: 10, start: 0x3000000n, end: 0x3000a28n, to: AT })
  assert.equal(piece.key, 'servers/sql-1/wal/0000000a/0000000003000000-0000000003000a28-20261125T120000123Z')
  assert.deepEqual(readName('sql-1', piece.key), { kind: 'wal', key: piece.key, piece })
  const id = makeBackupId(AT, 'ab12')
  assert.equal(id, '20261125T120000Z-ab12')
  assert.equal(timeOfBackup(id).toISOString(), '2026-11-25T12:00:00.000Z')
  const kinds = [
    manifestKey('s', id),
    partKey('s', id, 1),
    historyKey('s', 2),
    seenKey('s'),
    'servers/s/base/notes.txt',
  ]
  assert.deepEqual(
    kinds.map((key) => readName('s', key).kind),
    ['manifest', 'part', 'history', 'seen', 'strange'],
  )
})

test('names sort by position, also past four gigabytes', () => {
  const at = (start: bigint) => nameWal('s', { timeline: 1, start, end: start + 1n, to: AT }).key
  const keys = [0x1000000n, 0xff000000n, 0x100000000n, 0x1234500000000n].map(at)
  assert.deepEqual([...keys].sort(), keys)
})

test('a server whose name would lead out of its folder is none', () => {
  assert.throws(() => seenKey('../other'), TypeError)
})
