// Whether a stranded change still fits the row that is there today. Pure.
import { hash } from 'node:crypto'
import { CREATED_AT_COLUMN, ID_COLUMN, UPDATED_AT_COLUMN, VERSION_COLUMN } from '../../contract/table-format.ts'
import type { Row, StrandedChange } from './stranded.ts'

export type ReasonKind =
  | 'row_exists'
  | 'row_gone'
  | 'row_changed'
  | 'row_unknown'
  | 'history_gap'
  | 'truncation'
  | 'table_gone'
  | 'column_gone'
  | 'refused'

export type Reason = { kind: ReasonKind; message: string }

/** `clean`: nobody touched the row. `already`: it is there. `conflict`: a person has to choose. */
export type Classified =
  | { outcome: 'clean'; reason: null }
  | { outcome: 'already'; reason: null }
  | { outcome: 'conflict'; reason: Reason }

/** The promoted server's side: a table's columns, null where there is no table, and the row with the change's id. */
export type Today = { columns: readonly string[] | null; row: Row | null }

/** Can it be written over what is there today? What has no place there cannot. */
export function canOverwrite(reason: Reason): boolean {
  switch (reason.kind) {
    case 'row_exists':
    case 'row_gone':
    case 'row_changed':
    case 'history_gap':
      return true
    case 'row_unknown':
    case 'truncation':
    case 'table_gone':
    case 'column_gone':
    case 'refused':
      return false
  }
}

/** One change by itself. Several changes of a row belong into one chain. */
export function classifyChange(change: StrandedChange, today: Today): Classified {
  return classifyAt(extendChain(beginChain(change, today), change, today), 0)
}

/**
 * All stranded changes of one row, in order, seen as the states that the row went through: as it was before the first
 * change (0), after the first (1), and so on. Today's row is one of these states, and all up to it are done, or it is
 * none of them, and somebody else has written it. Digests stand for rows: a chain is small however long it gets.
 */
export type Chain = {
  today: RowDigest | null
  /** Of the last state. */
  last: RowDigest | null
  changes: number
  /** The state that today's row is in; null when in none. */
  position: number | null
  /** Today's row is, to its version, the one before the first change: nothing was applied yet, whatever came later. */
  isUntouched: boolean
  /** Why today's row is not the one before the first change. */
  mismatch: Reason | null
  /** Why the row cannot be brought all the way, whatever it is today. */
  blocked: Reason | null
}

export type RowDigest = { whole: string; app: string }

/** A chain before its first change, which is given to `extendChain` next. */
export function beginChain(first: StrandedChange, now: Today): Chain {
  const [today, last] = [digestOf(now.row), digestOf(first.before)]
  // Equal versions prove that nobody touched it: equal columns alone might be another's doing.
  const isBefore = today?.whole === last?.whole
  return {
    today,
    last,
    changes: 0,
    position: isBefore && isRow(first, now) ? 0 : null,
    isUntouched: isBefore && now.row !== null,
    mismatch: isBefore ? null : mismatchOf(first, now.row),
    blocked: null,
  }
}

/** The chain with one more change. */
export function extendChain(chain: Chain, change: StrandedChange, now: Today): Chain {
  const last = digestOf(change.after)
  const changes = chain.changes + 1
  // Stamps are given anew by whoever applies, so they do not count here.
  const isReached = isRow(change, now) && !chain.isUntouched && chain.today?.app === last?.app
  // Whatever stood in the way of changes that are done does so no longer.
  if (isReached) return { ...chain, last, changes, position: changes, blocked: null }
  const isFinal = chain.blocked !== null && !canOverwrite(chain.blocked)
  const blocked = isFinal ? chain.blocked : (blockOf(change, now.columns) ?? chain.blocked ?? gapOf(chain, change))
  return { ...chain, last, changes, blocked }
}

/** What becomes of the change at `index` of a chain that is complete. */
export function classifyAt({ position, blocked, mismatch }: Chain, index: number): Classified {
  if (position !== null && index < position) return { outcome: 'already', reason: null }
  // A row is brought to where the lost primary left it, or not touched at all.
  const reason = blocked ?? (position === null ? mismatch : null)
  return reason ? { outcome: 'conflict', reason } : { outcome: 'clean', reason: null }
}

/** Null for no row. Columns without a value count like columns that are not there. */
export function digestOf(row: Row | null): RowDigest | null {
  if (row === null) return null
  const columns = valuedColumns(row).sort()
  const print = (names: string[]) => hash('sha256', JSON.stringify(names.map((name) => [name, row[name]])), 'base64')
  return { whole: print(columns), app: print(columns.filter((name) => !STAMPS.includes(name))) }
}

/**
 * The name under which changes of one row meet. Ids compare without case, so a row may come back under an id that is
 * written otherwise. Where this and PostgreSQL differ, the outcome is a conflict, never a lost row.
 */
export function chainKey({ schema, table, key }: { schema: string; table: string; key: string | null }): string {
  return JSON.stringify([schema, table, key === null ? null : foldId(key)])
}

/** An id without what its collation does not look at. */
export function foldId(id: string): string {
  return id.normalize('NFKC').toLowerCase()
}

/** Stamped by the trigger on whichever side a row is written. */
export const STAMPS: readonly string[] = [CREATED_AT_COLUMN, UPDATED_AT_COLUMN, VERSION_COLUMN]

// A truncation says of no row what it was, and where there is no table there is no row to compare.
function isRow(change: StrandedChange, { columns }: Today): boolean {
  return change.key !== null && columns !== null
}

function blockOf(change: StrandedChange, columns: readonly string[] | null): Reason | null {
  const { kind, key, before, after } = change
  const name = `${change.schema}.${change.table}`
  if (columns === null) return { kind: 'table_gone', message: `there is no table ${name} today` }
  if (kind === 'truncate') return { kind: 'truncation', message: `${name} was emptied, which is never repeated` }
  if (key === null) return { kind: 'row_unknown', message: `${name} has no ids to tell its rows by` }
  if (before && after && foldId(before[ID_COLUMN] ?? '') !== foldId(after[ID_COLUMN] ?? '')) {
    return { kind: 'row_unknown', message: `${key} in ${name} was given another id, ${after[ID_COLUMN]}` }
  }
  const gone = [...valuedColumns(before), ...valuedColumns(after)].find((column) => !columns.includes(column))
  if (gone === undefined) return null
  return { kind: 'column_gone', message: `${name} has no column ${gone} today, and ${key} has a value for it` }
}

function gapOf(chain: Chain, change: StrandedChange): Reason | null {
  const isKnown = change.kind === 'insert' || change.before !== null
  if (isKnown && chain.last?.whole === digestOf(change.before)?.whole) return null
  return { kind: 'history_gap', message: `what ${whereOf(change)} was before is not known` }
}

function mismatchOf(change: StrandedChange, row: Row | null): Reason {
  const where = whereOf(change)
  if (row === null) return { kind: 'row_gone', message: `${where} was deleted after the promotion` }
  if (change.before === null) return { kind: 'row_exists', message: `${where} was written after the promotion, too` }
  return { kind: 'row_changed', message: `${where} was changed after the promotion` }
}

function whereOf({ schema, table, key }: StrandedChange): string {
  return `${key} in ${schema}.${table}`
}

function valuedColumns(row: Row | null): string[] {
  return row === null ? [] : Object.keys(row).filter((name) => row[name] !== null)
}
