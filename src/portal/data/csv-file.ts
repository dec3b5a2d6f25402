// The rows of a table as a CSV file, read and written by the browser a piece at a time. Fetched when it is needed.
import Papa from 'papaparse'
import type { RowView, TableView } from '../../contract/api.ts'
import {
  batchSize,
  type CsvProblem,
  csvCells,
  csvColumns,
  headerProblem,
  idOfRow,
  nextPageFilter,
  rowOfCells,
} from '../../contract/csv-rows.ts'
import { insertRows, type RowsPage, readRows } from '../calls/table-changes.ts'

const PAGE_ROWS = 1_000

type Watch = { signal: AbortSignal; onRows: (rows: number) => void }
type Columns = NonNullable<TableView['columns']>

/** All rows of which the filter is true, in the order of their ids. */
export async function exportCsv(
  service: string,
  table: TableView,
  filter: string | null,
  { signal, onRows }: Watch,
): Promise<Blob> {
  const names = csvColumns(table.columns ?? [])
  const pieces = [`${Papa.unparse([names])}\r\n`]
  let written = 0
  let lastId: string | number | null = null
  for (let isLast = false; !isLast; ) {
    const wanted = { skip: 0, top: PAGE_ROWS, orderBy: 'id', filter: nextPageFilter(filter, lastId) }
    const { rows }: RowsPage = await readRows(service, table.name, wanted, signal)
    if (rows.length > 0) pieces.push(`${Papa.unparse(rows.map((row) => csvCells(names, row)))}\r\n`)
    written += rows.length
    onRows(written)
    lastId = idOfRow(rows.at(-1))
    isLast = rows.length < PAGE_ROWS
  }
  return new Blob(pieces, { type: 'text/csv;charset=utf-8' })
}

/** What a file holds: rows to insert with their lines, and what is wrong with the others. Throws where it is none. */
export async function readCsv(
  file: Blob,
  columns: Columns,
): Promise<{ rows: { line: number; row: RowView }[]; problems: CsvProblem[] }> {
  const { data } = Papa.parse<string[]>((await file.text()).replace(/^\uFEFF/, ''), { skipEmptyLines: true })
  const names = (data[0] ?? []).map((name) => name.trim())
  const problem = headerProblem(names)
  if (problem !== null) throw new Error(`The file cannot be read as rows: ${problem}.`)
  const rows: { line: number; row: RowView }[] = []
  const problems: CsvProblem[] = []
  for (const [index, cells] of data.slice(1).entries()) {
    const line = index + 2
    if (cells.length !== names.length) {
      problems.push({ line, message: `it has ${cells.length} cells, not ${names.length}` })
      continue
    }
    const found = rowOfCells(columns, Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ''])))
    if ('row' in found) rows.push({ line, row: found.row })
    else problems.push({ line, message: found.problem })
  }
  return { rows, problems }
}

/** Inserts them a batch at a time; `onRows` is told how many were tried. Ends early where the signal says so. */
export async function insertCsv(
  service: string,
  table: string,
  rows: { line: number; row: RowView }[],
  { signal, onRows }: Watch,
): Promise<{ inserted: number; problems: CsvProblem[] }> {
  const problems: CsvProblem[] = []
  let inserted = 0
  for (let from = 0; from < rows.length && !signal.aborted; ) {
    const batch = rows.slice(from, from + batchSize(rows, from))
    const answer = await insertRows(
      service,
      table,
      batch.map(({ row }) => row),
    )
    inserted += answer.ids.filter((id) => id !== null).length
    for (const { index, message } of answer.problems) problems.push({ line: batch[index]?.line ?? 0, message })
    from += batch.length
    onRows(from)
  }
  return { inserted, problems }
}
