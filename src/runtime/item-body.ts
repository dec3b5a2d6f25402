// The item that a client sends: a JSON object becomes checked properties, or a refusal in the original's words.
import { ID_LENGTH_MAX, type IdType } from '../contract/table-format.ts'
import { badRequest } from './app-faults.ts'
import { isReservedName } from './client-generation.ts'

export type ItemValue =
  | { kind: 'string'; value: string }
  | { kind: 'number'; value: number }
  | { kind: 'boolean'; value: boolean }
  /** ISO with three decimals and Z. */
  | { kind: 'date'; value: string }
  | { kind: 'null'; value: null }

export type Property = { name: string; value: ItemValue }
/** `id` is null where the client left it to the server. */
export type Item = { id: string | null; properties: Property[] }

/** PostgreSQL cuts longer names, silently: two long names could become one column. */
const COLUMN_NAME_LENGTH_MAX = 63
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/
/** `/Date(…)/` with sixteen digits, a sign and an offset. */
const DATE_LENGTH_MAX = 30
const MS_DATE = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/
const INTEGER = /^[+-]?\d+$/
const FORBIDDEN_IN_ID = new Set(['"', '+', '?', '\\', '/', '`'])
const INVALID_ID =
  "The value specified for property 'id' is invalid. " +
  'An id must not contain any control characters or the characters ",+,?,\\,`.'

/** Checks a parsed body. 400 in every way it can be wrong. */
export function parseItem(body: unknown, idType: IdType = 'string'): Item {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('A single (valid) JSON object is expected.')
  }
  let id: string | null = null
  const properties: Property[] = []
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id') id = idType === 'integer' ? parseIntegerId(value) : parseBodyId(value)
    else properties.push({ name: checkName(name), value: parseValue(name, value) })
  }
  return { id, properties }
}

/** As `parseItem`, of a client of the second generation, with the version that it says it has; null for none. */
export function parsePlainItem(body: unknown, idType: IdType = 'string'): Item & { version: string | null } {
  const { rest, version } = takeVersion(body)
  return { ...parseItem(rest, idType), version }
}

/**
 * Splits what a client of the second generation sent into the version that it has of the item and all else. 400 where
 * it gives a value to what only the server gives one.
 */
export function takeVersion(body: unknown): { rest: unknown; version: string | null } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { rest: body, version: null }
  let version: string | null = null
  const rest: [string, unknown][] = []
  for (const [name, value] of Object.entries(body)) {
    if (!isReservedName(name)) rest.push([name, value])
    else if (name.toLowerCase() !== 'version') {
      throw badRequest(`Cannot update item with property '${name}' as it is reserved`)
    } else if (typeof value === 'string' && value !== '') version = value
  }
  return { rest: Object.fromEntries(rest), version }
}

/** Checks an id, from a body or a URL. */
export function checkId(id: string): string {
  if (id === '.' || id === '..' || !isIdText(id)) throw badRequest(INVALID_ID)
  return id
}

/** Checks the id of a row of a table whose ids are integers. */
export function checkInteger(id: string): string {
  const number = INTEGER.test(id) ? Number(id) : Number.NaN
  // None that is larger was ever given, nor could it be told as a number of JSON.
  if (!Number.isSafeInteger(number)) throw badRequest("The value specified for 'id' must be a number.")
  // Without the sign of a zero.
  return String(number + 0)
}

/** Refuses an item whose id is not the one of its URL. */
export function checkSameId(item: Item, id: string): void {
  if (item.id === null || item.id === id) return
  throw badRequest("When specified in the body, 'id' must match the id specified in the url.")
}

/** Refuses an id that is too long to be stored. */
export function checkIdLength(id: string): string {
  if (id.length <= ID_LENGTH_MAX) return id
  throw badRequest(
    'Could not save item because it exceeds a maximum column size restriction. ' +
      'Note that indexed columns are restricted to 450 characters.',
  )
}

export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name)
}

export function invalidIdentifier(name: string): string {
  return (
    `'${name}' is not a valid identifier. Identifiers must be under 128 characters in length, ` +
    'start with a letter or underscore, and can contain only alpha-numeric and underscore characters.'
  )
}

function parseBodyId(value: unknown): string | null {
  if (value === null || value === '') return null
  if (typeof value !== 'string') throw badRequest("The value specified for property 'id' must be a string")
  return checkId(value)
}

// What clients send for an id that they do not have is none.
function parseIntegerId(value: unknown): string | null {
  return value === null || value === 0 || value === '' || value === false ? null : checkInteger(String(value))
}

function isIdText(id: string): boolean {
  // A lone half of a surrogate pair has no UTF-8.
  if (!id.isWellFormed()) return false
  return ![...id].some((character) => FORBIDDEN_IN_ID.has(character) || isControl(character.charCodeAt(0)))
}

function isControl(code: number): boolean {
  return code <= 0x1f || (code >= 0x7f && code <= 0x9f)
}

function checkName(name: string): string {
  if (name.toLowerCase() === 'id') throw badRequest("Item identifiers can only be specified via the 'id' property.")
  if (name.startsWith('__')) {
    throw badRequest(
      `The property '${name}' can not be set. Properties that begin with a '__' are considered system properties.`,
    )
  }
  if (!isIdentifier(name)) throw badRequest(invalidIdentifier(name))
  if (name.length > COLUMN_NAME_LENGTH_MAX) {
    throw badRequest(`'${name}' is too long for a column: at most ${COLUMN_NAME_LENGTH_MAX} characters are stored.`)
  }
  return name
}

function parseValue(name: string, value: unknown): ItemValue {
  if (value === null) return { kind: 'null', value: null }
  if (typeof value === 'number') return { kind: 'number', value }
  if (typeof value === 'boolean') return { kind: 'boolean', value }
  if (typeof value === 'string') return parseText(value)
  throw badRequest(`The value of property '${name}' is of type 'object' which is not a supported type.`)
}

// A text that only looks like a date, 2013-13-45T…, is none.
function dateIn(text: string): Date | null {
  const ms = MS_DATE.exec(text)?.[1]
  const time = ms !== undefined ? Number(ms) : ISO_DATE.test(text) ? Date.parse(text) : Number.NaN
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? null : date
}

function parseText(text: string): ItemValue {
  const date = text.length <= DATE_LENGTH_MAX ? dateIn(text) : null
  if (date) return { kind: 'date', value: date.toISOString() }
  // Stored composed, so that the text functions of filters, which compare letter by letter, find it.
  return { kind: 'string', value: text.normalize('NFC') }
}
