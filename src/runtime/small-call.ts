// One call of a small script (small-script.ts): what it is given, what it has done so far, and what it may spend.
import { LEFT_LENGTH_MAX } from '../sandbox/left-answer.ts'
import type { LeftBody, ScriptAnswer, TableAsk, TableStart, WireItem } from '../sandbox/messages.ts'
import { DATE_KEY } from '../sandbox/wire.ts'
import { isIdentifier } from './item-body.ts'

/** What a call of a table's script is given. */
export type SmallInput = Pick<
  TableStart,
  | 'table'
  | 'operation'
  | 'item'
  | 'id'
  | 'query'
  | 'version'
  | 'user'
  | 'parameters'
  | 'systemProperties'
  | 'includesDeleted'
  | 'isUndelete'
>
/** `left`: its operation is all that is left to do, as in the message `last` of a sandbox. */
export type SmallEnd = { kind: 'left'; what: TableAsk; body: LeftBody } | { kind: 'answered'; answer: ScriptAnswer }

type Fields = Record<string, unknown>

/** Thrown where evaluation ends, and a sandbox has to run the script. One for all: nobody looks at it. */
export const BEYOND = new Error('beyond what is evaluated here')

/** A step takes one, and one more for so many characters that it has to look at: about a millisecond in all. */
const FUEL = 5_000
const CHARACTERS_PER_FUEL = 32
/** Of any string that a script makes. */
const STRING_LENGTH_MAX = 20_000
const DATE_LENGTH = 24
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

export class SmallCall {
  readonly input: SmallInput
  readonly item: Fields | null
  /** By their places; none is there before it is declared. */
  readonly variables: unknown[] = []
  /** What its query asks for beyond what the client did. */
  readonly #filters: string[] = []
  #stored: WireItem | null = null
  #isExecuted = false
  #answer: ScriptAnswer | null = null
  #fuel = FUEL

  constructor(input: SmallInput) {
    this.input = input
    this.item = input.item && itemOf(input.item, input)
  }

  /** `request.execute()`. */
  execute(): void {
    if (this.#isExecuted || this.#answer) throw BEYOND
    const { item, input } = this
    if (input.operation === 'update' && item?.id !== input.item?.id) throw BEYOND
    this.#isExecuted = true
    this.#stored = item && storedOf(item)
  }

  /** `query.where(…)` with an object. */
  where(values: Fields): void {
    // What is asked for after it began would still count there.
    if (this.#isExecuted) throw BEYOND
    const condition = Object.entries(values).map(equalityOf).join(' and ')
    if (condition !== '') this.#filters.push(this.kept(condition))
  }

  /** `request.respond(…)`; `given`: what it is called with. */
  respond(given: unknown[]): void {
    const [status, body] = given
    if (this.#isExecuted || this.#answer) throw BEYOND
    if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) throw BEYOND
    const text = given.length > 1 ? JSON.stringify(body) : undefined
    const version = isPrimitive(body) ? undefined : ownOf(body as object, '__version')
    const etag = typeof version === 'string' ? version : null
    this.#answer = { kind: 'respond', status, body: text ?? null, version: etag }
  }

  setOfItem(name: string, value: unknown): void {
    if (!this.item || !isValue(value)) throw BEYOND
    this.item[name] = value
  }

  /** Of a variable of today: it was declared before. */
  isDeclared(at: number): boolean {
    return at in this.variables
  }

  spend(characters: number): void {
    this.#fuel -= 1 + characters / CHARACTERS_PER_FUEL
    if (this.#fuel < 0) throw BEYOND
  }

  /** Gives back what was made, unless it is too long to be kept. */
  kept<T>(value: T): T {
    const length = lengthOf(value)
    if (length > STRING_LENGTH_MAX) throw BEYOND
    this.spend(length)
    return value
  }

  /** What comes of it, when its function has returned; null: it has asked for nothing. */
  end(): SmallEnd | null {
    if (this.#answer) return { kind: 'answered', answer: this.#answer }
    return this.#isExecuted ? { kind: 'left', ...this.#left() } : null
  }

  #left(): { what: TableAsk; body: LeftBody } {
    const { table, operation, systemProperties, isUndelete, id, version, query, includesDeleted } = this.input
    if (query) {
      const filters = [...query.filters, ...this.#filters]
      const what = { op: 'read' as const, query: { ...query, filters }, systemProperties, includesDeleted }
      return { what: { ...what, isQuiet: true }, body: null }
    }
    if (operation === 'del') return { what: { op: 'del', table, id: String(id ?? ''), version }, body: null }
    if (!this.item || !this.#stored) throw BEYOND
    const item = this.#stored
    const body = isStored(this.item, item) ? true : textOf(this.item)
    if (operation === 'insert') return { what: { op: 'insert', table, item, systemProperties }, body }
    const demanded = typeof item.__version === 'string' ? item.__version : null
    return { what: { op: 'update', table, item, systemProperties, version: demanded, isUndelete }, body }
  }
}

/** True for what is no object. */
export function isPrimitive(value: unknown): boolean {
  return value === null || typeof value !== 'object'
}

export function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}

/** Only what it has itself; what all objects have leads further. */
export function ownOf(object: object, name: string): unknown {
  if (Object.hasOwn(object, name)) return (object as Fields)[name]
  if (name in object) throw BEYOND
  return undefined
}

// As a query that a sandbox makes says it (sandbox/script-queries.ts).
function equalityOf([column, value]: [string, unknown]): string {
  if (!isIdentifier(column)) throw BEYOND
  return `${column} eq ${literalOf(value)}`
}

function literalOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  if (value instanceof Date) return `datetimeoffset'${value.toISOString()}'`
  throw BEYOND
}

// As scripts have it: dates are dates, and what is known of its version is with it.
function itemOf(given: WireItem, { isUndelete, version }: SmallInput): Fields {
  const item: Fields = { ...given }
  for (const name of Object.keys(item)) {
    const date = dateOf(name, item[name])
    if (date !== null) item[name] = new Date(date)
  }
  if (isUndelete) item.__deleted = false
  if (version !== null) item.__version = version
  return item
}

function dateOf(name: string, value: unknown): string | null {
  if (typeof value === 'string') {
    return name !== 'id' && value.length === DATE_LENGTH && ISO_DATE.test(value) ? value : null
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, DATE_KEY)) return null
  const date = (value as Fields)[DATE_KEY]
  return typeof date === 'string' ? date : null
}

// Its item as JSON would bring it to whoever stores it.
function storedOf(item: Fields): WireItem {
  const stored: WireItem = { ...item }
  for (const name of Object.keys(stored)) {
    const value = stored[name]
    if (!isValue(value)) throw BEYOND
    if (value === undefined) delete stored[name]
    // There is one zero, and what is no number is nothing.
    else if (typeof value === 'number') stored[name] = Number.isFinite(value) ? value + 0 : null
    else if (value instanceof Date) stored[name] = { [DATE_KEY]: value.toISOString() }
  }
  return stored
}

/** True for what may be a value of an item. */
export function isValue(value: unknown): boolean {
  return isPrimitive(value) || value instanceof Date
}

function isStored(item: Fields, stored: WireItem): boolean {
  const names = Object.keys(item)
  return names.length === Object.keys(stored).length && names.every((name) => item[name] === stored[name])
}

function textOf(item: Fields): string {
  if (!Object.values(item).every(isValue)) throw BEYOND
  const text = JSON.stringify(item)
  if (text.length > LEFT_LENGTH_MAX) throw BEYOND
  return text
}
