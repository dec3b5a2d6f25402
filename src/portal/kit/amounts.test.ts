import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatCount, formatMs } from '../../contract/amounts.ts'
import { asSentence, countOf, formatAge, sizeText } from './amounts.ts'

test('says times in the unit that a person would choose', () => {
  assert.deepEqual([840, 6_140, 125_000, 7_260_000, 200_000_000].map(formatMs), [
    '840 ms',
    '6.1 s',
    '2 min 5 s',
    '2 h 1 min',
    '2 d 7 h',
  ])
})

test('says sizes and counts', () => {
  assert.deepEqual([1, 12, 1_536, 3_221_225_472].map(formatBytes), ['1 byte', '12 bytes', '1.5 KiB', '3.0 GiB'])
  assert.equal(formatCount(1_204_000), '1,204,000')
  assert.deepEqual([countOf(1, 'table'), countOf(2, 'table')], ['1 table', '2 tables'])
})

test('an age has whole steps and is never negative', () => {
  const now = Date.parse('2026-11-27T18:00:00Z')
  const ages = ['2026-11-27T18:00:05Z', '2026-11-27T17:59:48.200Z', '2026-11-27T16:30:00Z', '2026-11-20T18:00:00Z']
  assert.deepEqual(
    ages.map((instant) => formatAge(instant, now)),
    ['0 s ago', '11 s ago', '1 h ago', '7 d ago'],
  )
})

test('says a size', () => {
  assert.equal(sizeText({ mode: 'shared', units: 1 }), 'shared')
  assert.equal(sizeText({ mode: 'reserved', units: 1 }), 'reserved, 1 unit')
})

test('a fragment becomes a sentence, a name at its head stays a name', () => {
  assert.equal(asSentence('the standby is released'), 'The standby is released')
  assert.equal(asSentence('sql-west-us has no standby'), 'sql-west-us has no standby')
})
