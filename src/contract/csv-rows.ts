// Rows as cells of a CSV file and back: the same in the command line and in the portal. An empty cell is null.
import { columnWord, ID_COLUMN, ID_SQL_TYPES } from './table-format.ts'

/** Rows that are inserted with one call. */
export const ROWS_AT_ONCE_MAX = 500
/** Characters of JSON: a call takes 2 MiB, and one may be three bytes and more. */
const CHARACTERS_AT_ONCE_MAX = 400_000

type Row = Record<string, unknown>
type Column = { name: string; type: string }

/** What of a file cannot be a row of the table: which row of cells it is, the first line included, and why. */
export type CsvProblem = { line: number; message: string }

/** Of a cell that is no value of its column. */
const TOLD_LENGTH_MAX = 40
const GIVEN_IDS = "the table gives its rows their ids: take the column 'id' out of the file, or leave it empty"
// Of external servers, beside those of dynamic schema.
const NUMBERS = new Set(['smallint', 'integer', 'bigint', 'numeric', 'real'])
const SYSTEM = /^__/
const TRUE = new Set(['true', '1'])
const FALSE = new Set(['false', '0'])
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/

/** The columns of a file: the id, and the table's own; what the system keeps is left out, since nobody may set it. */
export function csvColumns(columns: Pick<Column, 'name'>[]): string[] {
  const own = columns.map(({ name }) => name).filter((name) => name !== ID_COLUMN && !SYSTEM.test(name))
  return [ID_COLUMN, ...own]
}

/** The cells of a row, in the order of the columns. */
export function csvCells(columns: string[], row: Row): string[] {
  return columns.map((name) => {
    const value = row[name]
    if (value === null || value === undefined) return ''
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}

/** What is wrong with the first line of a file; null: nothing. */
export function headerProblem(names: string[]): string | null {
  if (names.length === 0 || names.every((name) => name === '')) return 'the first line must name the columns'
  if (names.includes('')) return 'a column has no name'
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? null : `the column '${twice}' is named twice`
}

/**
 * The cells of one line as a row to insert. What the system keeps is left out; so is what is empty. A column that the
 * table does not have yet is text. Answers the problem in words where a cell is no value of its column.
 */
export function rowOfCells(columns: Column[], cells: Record<string, string>): { row: Row } | { problem: string } {
  const row: Row = {}
  for (const [name, text] of Object.entries(cells)) {
    if (SYSTEM.test(name) || text === '') continue
    const known = columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
    if (name === ID_COLUMN && known?.type === ID_SQL_TYPES.integer) return { problem: GIVEN_IDS }
    const value = known === undefined || name === ID_COLUMN ? text : cellValue(known.type, text)
    if (value === undefined) {
      const told = text.slice(0, TOLD_LENGTH_MAX)
      return { problem: `'${told}' in the column '${name}' is no ${columnWord(known?.type ?? '')}` }
    }
    row[name] = value
  }
  return { row }
}

/** A text as a value of a column's type, as PostgreSQL or dynamic schema names it; undefined where it is none. */
export function cellValue(type: string, text: string): string | number | boolean | undefined {
  switch (NUMBERS.has(type) ? 'number' : columnWord(type)) {
    case 'number': {
      const number = Number(text)
      return text.trim() !== '' && Number.isFinite(number) ? number : undefined
    }
    case 'boolean': {
      const word = text.trim().toLowerCase()
      return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined
    }
    case 'date':
      return ISO_DATE.test(text) && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined
    default:
      return text
  }
}

/** The id of a row as it was answered: a number where the table's ids are integers. */
export function idOfRow(row: Row | undefined): string | number | null {
  const id = row?.[ID_COLUMN]
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

/** How many of the rows, from one on, go with one call: at least one. */
export function batchSize(rows: { row: Row }[], from: number): number {
  let characters = 0
  for (let size = 0; size < ROWS_AT_ONCE_MAX; size += 1) {
    const next = rows[from + size]
    if (next === undefined) return Math.max(1, size)
    characters += JSON.stringify(next.row).length
    if (characters > CHARACTERS_AT_ONCE_MAX) return Math.max(1, size)
  }
  return ROWS_AT_ONCE_MAX
}

/**
 * The filter of the next page of rows that are read in the order of their ids, behind `lastId`; null for no filter. What
 * is inserted or deleted meanwhile moves no row to another page.
 */
export function nextPageFilter(filter: string | null, lastId: string | number | null): string | null {
  const text = typeof lastId === 'string' ? `'${lastId.replaceAll("'", "''")}'` : lastId
  const isBehind = text === null ? null : `id gt ${text}`
  if (filter === null || isBehind === null) return filter ?? isBehind
  return `(${filter}) and ${isBehind}`
}
