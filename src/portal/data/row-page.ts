// Rows as a grid: which columns, what stands in a cell, which page.
import type { RowView, TableView } from '../../contract/api.ts'

/** A cell shows so much; the whole value stands in its title. */
export const CELL_LENGTH_MAX = 80

/** The table's own columns first, the system's last; and what a row has besides. */
export function columnsOf(table: Pick<TableView, 'columns'>, rows: RowView[]): string[] {
  const known = table.columns?.map(({ name }) => name) ?? []
  const all = [...new Set([...known, ...rows.flatMap((row) => Object.keys(row))])]
  return [...all.filter((name) => !isSystem(name)), ...all.filter(isSystem)]
}

/** Null and absent show as different things. */
export function cellText(value: unknown): string {
  if (value === undefined) return ''
  if (value === null) return 'null'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The next way to sort by a column that was pressed: up, down, not at all. */
export function nextOrder(now: string | null, column: string): string | null {
  if (now === column) return `${column} desc`
  return now === `${column} desc` ? null : column
}

/** `1–50 of 1,204`; without a count `51–100`. */
export function pageText({ skip, shown, count }: { skip: number; shown: number; count: number | null }): string {
  if (shown === 0) return skip === 0 ? 'No rows' : 'No more rows'
  const range = `${skip + 1}–${skip + shown}`
  return count === null ? range : `${range} of ${count}`
}

function isSystem(name: string): boolean {
  return name.startsWith('__')
}
