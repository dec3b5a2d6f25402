// A row while it is written in a form: texts by column, and what they come to.
import type { RowView, TableView } from '../../contract/api.ts'
import { cellValue } from '../../contract/csv-rows.ts'
import { columnWord, ID_COLUMN } from '../../contract/table-format.ts'
import { cellText } from './row-page.ts'

type Column = { name: string; type: string }

/** Texts of the columns that people set; an empty one is null. */
export type RowDraft = Record<string, string>

/** The columns that people set; the id first, for a new row of a table that does not give it: it never changes. */
export function draftColumns({ columns, idType }: Pick<TableView, 'columns' | 'idType'>, isNew: boolean): Column[] {
  const own = (columns ?? []).filter(({ name }) => !name.startsWith('__') && name !== ID_COLUMN)
  return isNew && idType === 'string' ? [{ name: ID_COLUMN, type: 'string' }, ...own] : own
}

export function draftOf(columns: Column[], row: RowView): RowDraft {
  const text = (value: unknown) => (value === null ? '' : cellText(value))
  return Object.fromEntries(columns.map(({ name }) => [name, text(row[name])]))
}

/** What is wrong with a text; null: it is a value of its column, or null. */
export function draftProblem({ type }: Column, text: string): string | null {
  if (text === '' || cellValue(type, text) !== undefined) return null
  const word = columnWord(type)
  if (word === 'boolean') return 'true or false'
  return word === 'date' ? 'A date like 2026-03-14T15:09:26Z' : 'A number'
}

/** The values that differ from `before`, or all that are set where there is none before. */
export function changesOf(columns: Column[], draft: RowDraft, before: RowDraft | null): RowView {
  const changed = columns.filter(({ name }) => (draft[name] ?? '') !== (before?.[name] ?? ''))
  return Object.fromEntries(
    changed.map(({ name, type }) => {
      const text = draft[name] ?? ''
      return [name, text === '' ? null : cellValue(type, text)]
    }),
  )
}
