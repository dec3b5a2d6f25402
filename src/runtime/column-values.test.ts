// Tests of column-values: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnValue } from './column-values.ts'
import type { ColumnKind } from './columns.ts'
import { parseItem } from './item-body.ts'

function convert(value: unknown, kind: ColumnKind) {
  const [property] = parseItem({ x: value }).properties
  assert.ok(property)
  return columnValue(property.value, kind)
}

for (const [value, kind, expected] of [
  [12, 'text', '12'],
  [true, 'text', '1'],
  ['12', 'number', '12'],
  [1e21, 'number', '1e+21'],
  [2, 'boolean', true],
  ['False', 'boolean', false],
  ['2020-01-02', 'date', '2020-01-02'],
  ['2020-01-02T03:04:05Z', 'text', '2020-01-02T03:04:05.000Z'],
  ['AQI=', 'binary', '\\x0102'],
  [null, 'number', null],
] as const) {
  test(`${JSON.stringify(value)} in a ${kind} column`, () => assert.equal(convert(value, kind), expected))
}

for (const [value, kind] of [
  ['NaN', 'number'],
  ['0x10', 'number'],
  ['', 'number'],
  [Number.POSITIVE_INFINITY, 'number'],
  ['yes', 'boolean'],
  ['infinity', 'date'],
  ['now', 'timestamp'],
  [5, 'date'],
  ['a\0', 'text'],
  ['a\ud800', 'text'],
  ['not base64!', 'binary'],
  ['x', 'version'],
] as const) {
  test(`${JSON.stringify(value)} does not fit a ${kind} column`, () => {
    assert.throws(() => convert(value, kind), { status: 400, message: 'Bad request.' })
  })
}
