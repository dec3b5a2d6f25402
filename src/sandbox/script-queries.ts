// Queries as a script makes them: what it says becomes conditions and terms of the query language. Sent into a context
// for each call as text, as `scriptSide` is, so it may use nothing but its arguments and what a bare context has.
import type { FilterOutcome, FilterValue } from './filter-function.ts'
import type { WireQuery } from './messages.ts'

type Query = Record<string, unknown>

export type Queries = {
  /** A query object over `parts`; `read` is there where the query can be read by itself. */
  makeQuery: (parts: WireQuery, read: ((handlers: unknown) => void) | null) => Query
  /** All rows of a table. */
  newParts: (table: string) => WireQuery
  /** What a query object was made of; undefined for anything else. */
  partsOf: (query: unknown) => WireQuery | undefined
}

/** Makes the functions; `filterOf` reads a filter that a script gives as a function. */
export const scriptQueries = (filterOf: (source: string, values: FilterValue[]) => FilterOutcome): Queries => {
  const isColumn = /^[A-Za-z_][A-Za-z0-9_]*$/
  /** A value as the query language writes it. */
  const literal = (value: unknown): string => {
    if (value === null || value === undefined) return 'null'
    if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
    if (value instanceof Date && !Number.isNaN(value.getTime())) return `datetimeoffset'${value.toISOString()}'`
    throw new Error('A filter compares with a string, number, boolean, date or null, and with nothing else.')
  }
  const equality = ([column, value]: [string, unknown]) => {
    if (!isColumn.test(column)) throw new Error(`'${column}' is no name of a column.`)
    return `${column} eq ${literal(value)}`
  }
  /** Puts values in the places of question marks; one within a string is part of that. */
  const filled = (text: string, values: unknown[]) => {
    let used = 0
    const result = text.replace(/'(?:[^']|'')*'|\?/g, (part) => {
      if (part !== '?') return part
      if (used === values.length) throw new Error('The filter has more question marks than there are values.')
      used += 1
      return literal(values[used - 1])
    })
    if (used < values.length) throw new Error('The filter has fewer question marks than there are values.')
    return result
  }
  const conditionOf = (filter: unknown, values: unknown[]): string => {
    if (typeof filter === 'function') {
      const outcome = filterOf(String(filter), values.map(literalsOf))
      if ('problem' in outcome) throw new Error(outcome.problem)
      return outcome.text
    }
    if (typeof filter === 'string') return filled(filter, values)
    if (typeof filter !== 'object' || filter === null) throw new Error('where() needs an object, a text or a function.')
    return Object.entries(filter).map(equality).join(' and ')
  }
  // What a function is given may be a list, to look in.
  const literalsOf = (value: unknown): string | string[] => (Array.isArray(value) ? value.map(literal) : literal(value))
  const columnsOf = (given: unknown[]) =>
    given.flatMap((one) => {
      if (typeof one !== 'string') throw new Error('Columns are given by name; functions are not supported yet.')
      return one
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
    })
  const countOf = (name: string, given: unknown) => {
    if (!Number.isSafeInteger(given) || (given as number) < 0) throw new Error(`${name}() needs a whole number from 0.`)
    return given as number
  }

  const filterText = ({ filters }: WireQuery): string | null =>
    filters.length === 0 ? null : filters.map((text) => `(${text})`).join(' and ')
  const queryText = (parts: WireQuery): string => {
    const order = parts.ordering.map(({ term, isDescending }) => (isDescending ? `${term} desc` : term))
    const options: [string, string | null][] = [
      ['$filter', filterText(parts)],
      ['$orderby', order.length > 0 ? order.join(',') : null],
      ['$skip', parts.skip > 0 ? String(parts.skip) : null],
      ['$top', parts.take === null ? null : String(parts.take)],
      ['$select', parts.selections.length > 0 ? parts.selections.join(',') : null],
      ['$inlinecount', parts.includeTotalCount ? 'allpages' : null],
    ]
    const given = options.flatMap(([name, text]) => (text === null ? [] : [`${name}=${encodeURIComponent(text)}`]))
    return given.length > 0 ? `/${parts.table}?${given.join('&')}` : `/${parts.table}`
  }

  function makeQuery(parts: WireQuery, read: ((handlers: unknown) => void) | null): Query {
    const order = (given: unknown[], isDescending: boolean) => {
      for (const term of columnsOf(given)) parts.ordering.push({ term, isDescending })
      return query
    }
    const query: Query = {
      where: (filter: unknown, ...values: unknown[]) => {
        const condition = conditionOf(filter, values)
        if (condition.trim() !== '') parts.filters.push(condition)
        return query
      },
      select: (...given: unknown[]) => {
        parts.selections.push(...columnsOf(given))
        return query
      },
      orderBy: (...given: unknown[]) => order(given, false),
      orderByDescending: (...given: unknown[]) => order(given, true),
      skip: (count: unknown) => {
        parts.skip = countOf('skip', count)
        return query
      },
      take: (count: unknown) => {
        parts.take = countOf('take', count)
        return query
      },
      includeTotalCount: (isWanted: unknown = true) => {
        parts.includeTotalCount = isWanted !== false
        return query
      },
      toOData: () => queryText(parts),
      getComponents: () => ({
        filters: filterText(parts),
        selections: [...parts.selections],
        projection: null,
        ordering: Object.fromEntries(parts.ordering.map((one) => [one.term, !one.isDescending])),
        skip: parts.skip,
        take: parts.take,
        table: parts.table,
        includeTotalCount: parts.includeTotalCount,
      }),
    }
    if (read) query.read = read
    if (parts.id !== null) query.id = parts.id
    Object.defineProperty(query, 'parts', { value: parts, enumerable: false })
    return query
  }
  const newParts = (table: string): WireQuery => ({
    table,
    filters: [],
    selections: [],
    ordering: [],
    skip: 0,
    take: null,
    includeTotalCount: false,
    id: null,
  })
  const partsOf = (query: unknown) => (query as { parts?: WireQuery } | null | undefined)?.parts

  return { makeQuery, newParts, partsOf }
}
