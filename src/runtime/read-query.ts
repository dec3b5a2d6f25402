// The query string of the table protocol, typed and checked. Pure: nothing here knows a table.
import { SYSTEM_COLUMNS } from '../contract/table-format.ts'
import { PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX } from '../kit/limits.ts'
import type { Expression, OrderTerm } from '../query/expression.ts'
import { parseFilter, parseOrderTerms } from '../query/parse.ts'
import { QueryError } from '../query/query-error.ts'
import { badRequest, invalidQuery } from './app-faults.ts'
import { isVersionOption } from './client-generation.ts'
import { invalidIdentifier, isIdentifier } from './item-body.ts'

/** What every verb understands. */
export type TableOptions = { systemColumns: string[]; isScriptSkipped: boolean; includesDeleted: boolean }
export type ListQuery = {
  top: number
  skip: number
  orderBy: OrderTerm[]
  /** Null: all columns of the app. */
  select: string[] | null
  wantsCount: boolean
  /** All must hold. */
  filters: Expression[]
}

const ODATA_OPTIONS = new Set(['$filter', '$select', '$orderby', '$skip', '$top', '$inlinecount'])
const INSENSITIVE_OPTIONS = ['__systemproperties', '__includedeleted', 'noscript']

/** True for an option that means something to us: all others are the app's own, for its scripts. */
export function isOption(name: string): boolean {
  return isReserved(name) || INSENSITIVE_OPTIONS.includes(name.toLowerCase()) || isVersionOption(name)
}

/** Checks the names of all options and reads those of every verb. */
export function parseOptions(query: URLSearchParams): TableOptions {
  for (const name of query.keys()) {
    if (!isReserved(name) || ODATA_OPTIONS.has(name) || INSENSITIVE_OPTIONS.includes(name.toLowerCase())) continue
    throw badRequest(
      `Invalid query parameter name '${name}'. Custom query parameter names must not start with $ or __.`,
    )
  }
  return {
    systemColumns: parseSystemProperties(findInsensitive(query, '__systemproperties')),
    isScriptSkipped: isTrue(findInsensitive(query, 'noscript')),
    includesDeleted: isTrue(findInsensitive(query, '__includedeleted')),
  }
}

function isReserved(name: string): boolean {
  return name.startsWith('$') || name.startsWith('__')
}

/** The options of a list. */
export function parseListQuery(query: URLSearchParams): ListQuery {
  return {
    top: parseTop(query.get('$top')),
    skip: parseCount('$skip', query.get('$skip')) ?? 0,
    orderBy: parseOrderBy(query.get('$orderby')),
    select: parseSelect(query.get('$select')),
    wantsCount: parseInlineCount(query.get('$inlinecount')),
    filters: parseFilters(query.get('$filter')),
  }
}

/** The options of a read by id: the columns, and what must be true of the row. */
export function parseItemQuery(query: URLSearchParams): { select: string[] | null; filters: Expression[] } {
  if (['$orderby', '$inlinecount', '$skip', '$top'].some((name) => query.has(name))) {
    throw badRequest('Query options $orderby, $inlinecount, $skip and $top cannot be applied to id queries.')
  }
  return { select: parseSelect(query.get('$select')), filters: parseFilters(query.get('$filter')) }
}

/** The condition that a text states, as the only one of a list; none for a text of blanks. */
export function parseFilters(text: string | null): Expression[] {
  return text === null || text.trim() === '' ? [] : [parsed(() => parseFilter(text))]
}

function parseOrderBy(text: string | null): OrderTerm[] {
  return text === null || text.trim() === '' ? [] : parsed(() => parseOrderTerms(text))
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof QueryError) throw invalidQuery(error.message)
    throw error
  }
}

function parseTop(text: string | null): number {
  const top = parseCount('$top', text) ?? PAGE_ROWS_DEFAULT
  if (top > PAGE_ROWS_MAX) throw badRequest(`The value of the $top query option cannot exceed ${PAGE_ROWS_MAX}.`)
  return top
}

function parseCount(name: string, text: string | null): number | null {
  if (text === null) return null
  const count = /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(count)) throw badRequest(`The value specified for '${name}' must be a number.`)
  if (count < 0) throw badRequest(`The value of the ${name} query option must be greater or equal to 0.`)
  return count
}

function parseSelect(text: string | null): string[] | null {
  if (text === null || text.trim() === '') return null
  const found = new Map<string, string>()
  for (const part of text.split(',')) {
    const name = part.trim()
    if (!isIdentifier(name)) throw invalidQuery(invalidIdentifier(name))
    // Asked for twice it is still one property.
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), name)
  }
  return [...found.values()]
}

function parseInlineCount(text: string | null): boolean {
  if (text === null || text === 'none') return false
  if (text === 'allpages') return true
  throw badRequest(`Invalid value '${text}' for $inlinecount. It must be 'allpages' or 'none'.`)
}

/** System columns by their names, with or without `__`; `*` for all. */
export function parseSystemProperties(text: string | null): string[] {
  if (text === null) return []
  const found: string[] = []
  for (const part of text.split(',')) {
    const name = part.trim()
    if (name === '') continue
    if (name === '*') return [...SYSTEM_COLUMNS]
    const wanted = name.toLowerCase().replace(/^__/, '')
    const column = SYSTEM_COLUMNS.find((one) => one.toLowerCase() === `__${wanted}`)
    if (!column) throw badRequest(`The value '${name}' is not a supported system property.`)
    found.push(column)
  }
  return found
}

function isTrue(text: string | null): boolean {
  return text?.toLowerCase() === 'true'
}

function findInsensitive(query: URLSearchParams, name: string): string | null {
  for (const [key, value] of query) if (key.toLowerCase() === name) return value
  return null
}
