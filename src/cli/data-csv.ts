// `mobile data export|import`: the rows of a table as a CSV file (RFC 4180), by way of the management API.
import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { formatCount } from '../contract/amounts.ts'
import type { RowView, TableView } from '../contract/api.ts'
import {
  batchSize,
  type CsvProblem,
  csvCells,
  csvColumns,
  headerProblem,
  idOfRow,
  nextPageFilter,
  ROWS_AT_ONCE_MAX,
  rowOfCells,
} from '../contract/csv-rows.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { PAGE_ROWS_MAX } from '../kit/limits.ts'
import { needService, needTable, needText } from './asking.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { writeWholeFile } from './whole-file.ts'

type ExportFlags = CommonFlags & { output?: string; override?: boolean; filter?: string }
type ImportFlags = CommonFlags & { dryRun?: boolean }
type Columns = NonNullable<TableView['columns']>
type Line = { line: number; row: RowView }

const EXPORT = 'mainstay mobile data export SERVICE TABLE -o FILE'
const IMPORT = 'mainstay mobile data import SERVICE TABLE FILE'
/** Further problems are counted only. */
const PROBLEMS_SHOWN = 20

/** Adds both commands. */
export function addDataCsv(data: Command, shell: Shell): void {
  addCommand(data, {
    usage: 'export [service] [table]',
    about: 'write the rows of a table to a CSV file; of one moment they are only in `sql export`',
    examples: [
      'mainstay mobile data export PrimaryService TodoItem -o todo.csv',
      'mainstay mobile data export PrimaryService TodoItem -o open.csv --filter "complete eq false"',
    ],
  })
    .option('-o, --output <file>', 'the file')
    .option('--filter <condition>', 'only rows of which it is true, in the words of $filter')
    .option('--override', 'replace a file that is there')
    .action(async (service: string | undefined, table: string | undefined, flags: ExportFlags) => {
      await runCommand(shell, { name: 'mobile data export', flags }, async (session) => {
        return await exportRows(session, { service, table }, flags)
      })
    })
  addCommand(data, {
    usage: 'import [service] [table] [file]',
    about: 'insert the rows of a CSV file; the first line names the columns, an empty cell is left out',
    examples: [`${IMPORT} --dry-run`, 'mainstay mobile data import PrimaryService TodoItem todo.csv'],
  })
    .option('--dry-run', 'only look whether every cell is a value of its column')
    .action(
      async (service: string | undefined, table: string | undefined, file: string | undefined, flags: ImportFlags) => {
        await runCommand(shell, { name: 'mobile data import', flags }, async (session) => {
          return await importRows(session, { service, table, file }, flags.dryRun === true)
        })
      },
    )
}

async function exportRows(
  session: Session,
  given: { service: string | undefined; table: string | undefined },
  flags: ExportFlags,
): Promise<Result> {
  const service = await needService(session, given.service, EXPORT)
  const table = await needTable(session, given.table, EXPORT)
  const question = { prompt: 'File: ', what: 'the file', insteadSay: `Name the file: ${EXPORT}` }
  const file = await needText(session, flags.output, question)
  const rows = await writeWholeFile(file, { isReplaced: flags.override === true }, async (handle) => {
    const client = await session.client()
    const names = csvColumns(columnsOf(await client.tables.getTable(service, table)))
    session.talk.progress('Exporting rows')
    const { default: Papa } = await import('papaparse')
    await handle.appendFile(`${Papa.unparse([names])}\r\n`)
    let written = 0
    let lastId: string | number | null = null
    for (let isLast = false; !isLast; ) {
      const filter = nextPageFilter(flags.filter ?? null, lastId)
      const query = { $orderby: 'id', $top: String(PAGE_ROWS_MAX), ...(filter === null ? {} : { $filter: filter }) }
      const page: RowView[] = await client.tables.readData(service, table, query)
      if (page.length > 0) await handle.appendFile(`${Papa.unparse(page.map((row) => csvCells(names, row)))}\r\n`)
      written += page.length
      lastId = idOfRow(page.at(-1))
      session.talk.tellProgress(`${formatCount(written)} rows`)
      isLast = page.length < PAGE_ROWS_MAX
    }
    await handle.sync()
    return written
  })
  return { json: { service, table, file, rows }, lines: [`${formatCount(rows)} row(s) in ${file}`] }
}

async function importRows(
  session: Session,
  given: { service: string | undefined; table: string | undefined; file: string | undefined },
  isDryRun: boolean,
): Promise<Result> {
  const service = await needService(session, given.service, IMPORT)
  const table = await needTable(session, given.table, IMPORT)
  const question = { prompt: 'File: ', what: 'the file', insteadSay: `Name the file: ${IMPORT}` }
  const file = await needText(session, given.file, question)
  const client = await session.client()
  const columns = columnsOf(await client.tables.getTable(service, table))
  session.talk.progress(isDryRun ? 'Checking rows' : 'Importing rows')
  const problems: CsvProblem[] = []
  let [read, inserted] = [0, 0]
  let waiting: Line[] = []
  const send = async () => {
    for (let from = 0; from < waiting.length; ) {
      const sent = waiting.slice(from, from + batchSize(waiting, from))
      const answer = await client.tables.insertRows(service, table, { rows: sent.map(({ row }) => row) })
      for (const { index, message } of answer.problems) problems.push({ line: sent[index]?.line ?? 0, message })
      inserted += answer.ids.filter((id) => id !== null).length
      session.talk.tellProgress(`${formatCount(inserted)} rows`)
      from += sent.length
    }
    waiting = []
  }
  try {
    for await (const one of readLines(file, columns)) {
      read += 1
      if ('message' in one) problems.push(one)
      else if (!isDryRun) waiting.push(one)
      if (waiting.length === ROWS_AT_ONCE_MAX) await send()
    }
    await send()
  } catch (error) {
    if (inserted === 0) throw error
    throw new Fault('import.broken', 503, `after ${formatCount(inserted)} rows: ${messageOf(error)}`, {
      hint: 'Rows with an id that is there already are refused: give the same command again if every row has one.',
      cause: error,
    })
  }
  if (problems.length > 0) throw refused(problems, { read, inserted })
  const json = { service, table, file, rows: read, inserted, isDryRun }
  const done = isDryRun ? `${formatCount(read)} row(s) can be imported` : `${formatCount(inserted)} row(s) inserted`
  return { json, lines: [done] }
}

function refused(problems: CsvProblem[], { read, inserted }: { read: number; inserted: number }): Fault {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ line, message }) => `  row ${line}: ${message}`)
  if (problems.length > shown.length) shown.push(`  and ${formatCount(problems.length - shown.length)} more`)
  const all = `${formatCount(problems.length)} of ${formatCount(read)} rows were refused, ${formatCount(inserted)} inserted`
  return new Fault('import.rows_refused', 400, [all, ...shown].join('\n'), {
    hint: 'Rows are counted from the first line. Mend those, and import them alone: what was inserted is there.',
  })
}

// Every line with its number in the file, as a row or as what is wrong with it.
async function* readLines(file: string, columns: Columns): AsyncGenerator<Line | CsvProblem> {
  const { default: Papa } = await import('papaparse')
  const input = createReadStream(file)
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, { skipEmptyLines: true })
  input.on('error', (cause) => {
    parser.destroy(new Fault('file.failed', 400, `cannot read ${file}: ${messageOf(cause)}`, { cause }))
  })
  let names: string[] | null = null
  let line = 0
  for await (const cells of input.pipe(parser) as AsyncIterable<string[]>) {
    line += 1
    if (names === null) {
      // A mark of the byte order, as spreadsheets write it.
      names = cells.map((name) => name.replace(/^\uFEFF/, '').trim())
      requireHeader(file, headerProblem(names))
    } else if (cells.length !== names.length) {
      yield { line, message: `it has ${cells.length} cells, not ${names.length}` }
    } else {
      const named = Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']))
      const found = rowOfCells(columns, named)
      yield 'row' in found ? { line, row: found.row } : { line, message: found.problem }
    }
  }
  if (names === null) requireHeader(file, headerProblem([]))
}

function requireHeader(file: string, problem: string | null): void {
  if (problem !== null) throw new Fault('import.bad_header', 400, `${file}: ${problem}`)
}

function columnsOf({ name, columns }: TableView): Columns {
  if (columns) return columns
  throw new Fault('data.refused', 503, `the columns of '${name}' cannot be read now`, {
    hint: 'The region of its database does not answer; see: mainstay status',
  })
}
