// A checked value as a parameter for a column of a given kind: the original's implicit conversions.
import { BAD_REQUEST_TEXT, badRequest } from './app-faults.ts'
import type { ColumnKind } from './columns.ts'
import type { ItemValue } from './item-body.ts'

export type SqlValue = string | boolean | null

const NUMBER_TEXT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/
const DATE_TEXT = /^\s*\d{4}-\d{2}-\d{2}/
const BOOLEAN_TEXTS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** The parameter, or a 400: what does not convert is refused before PostgreSQL could take it for something else. */
export function columnValue(value: ItemValue, kind: ColumnKind): SqlValue {
  if (value.kind === 'null') return null
  switch (kind) {
    case 'text':
      return textOf(value)
    case 'number':
      return numberOf(value)
    case 'boolean':
      return booleanOf(value)
    case 'date':
    case 'timestamp':
      return dateOf(value)
    case 'binary':
      return binaryOf(value)
    case 'version':
      throw badRequest(BAD_REQUEST_TEXT)
    case 'other':
      return textOf(value)
  }
}

type Present = Exclude<ItemValue, { kind: 'null' }>

function textOf(value: Present): string {
  if (value.kind === 'boolean') return value.value ? '1' : '0'
  const text = String(value.value)
  // PostgreSQL stores no zero character, and half a surrogate pair would become another character.
  if (text.includes('\0') || !text.isWellFormed()) throw badRequest(BAD_REQUEST_TEXT)
  return text
}

function numberOf(value: Present): string {
  if (value.kind === 'boolean') return value.value ? '1' : '0'
  if (value.kind === 'string' && !NUMBER_TEXT.test(value.value)) throw badRequest(BAD_REQUEST_TEXT)
  // 'NaN' and 'Infinity' are numbers to PostgreSQL but not to JSON.
  if (!Number.isFinite(Number(value.value))) throw badRequest(BAD_REQUEST_TEXT)
  return String(value.value)
}

function booleanOf(value: Present): boolean {
  if (value.kind === 'boolean') return value.value
  if (value.kind === 'number') return value.value !== 0
  const known = value.kind === 'string' ? BOOLEAN_TEXTS.get(value.value.trim().toLowerCase()) : undefined
  if (known === undefined) throw badRequest(BAD_REQUEST_TEXT)
  return known
}

function dateOf(value: Present): string {
  if (value.kind === 'date') return value.value
  // Not everything PostgreSQL takes: 'infinity' and 'now' are dates to it.
  if (value.kind !== 'string' || !DATE_TEXT.test(value.value) || value.value.includes('\0')) {
    throw badRequest(BAD_REQUEST_TEXT)
  }
  return value.value
}

function binaryOf(value: Present): string {
  if (value.kind !== 'string') throw badRequest(BAD_REQUEST_TEXT)
  const bytes = Buffer.from(value.value, 'base64')
  if (bytes.toString('base64') !== value.value) throw badRequest(BAD_REQUEST_TEXT)
  return `\\x${bytes.toString('hex')}`
}
