// `mobile data read`: rows of a table, as the operator.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { PAGE_ROWS_MAX } from '../kit/limits.ts'
import { needService, needTable, wholeNumber } from './asking.ts'
import { cellText, pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { skip?: string; top: string; list?: boolean }
type Row = Record<string, unknown>

const USAGE = 'mainstay mobile data read SERVICE TABLE'
const SKIP_MAX = 1_000_000_000

/** Adds the command. */
export function addDataRead(data: Command, shell: Shell): void {
  addCommand(data, {
    usage: 'read [service] [table] [query]',
    about: 'read rows of a table',
    examples: [
      'mainstay mobile data read PrimaryService TodoItem --top 20',
      "mainstay mobile data read PrimaryService TodoItem '$orderby=text&$top=5' --json",
    ],
  })
    .option('-k, --skip <rows>', 'leave out the first rows')
    .option('-t, --top <rows>', 'read this many rows', '10')
    .option('-l, --list', 'one value a line instead of a table')
    .action(async (givenService: string | undefined, givenTable: string | undefined, text = '', flags: Flags) => {
      await runCommand(shell, { name: 'mobile data read', flags }, async (session) => {
        const service = await needService(session, givenService, USAGE)
        const table = await needTable(session, givenTable, USAGE)
        const rows = await (await session.client()).tables.readData(service, table, queryOf(text, flags))
        if (rows.length === 0) session.talk.info('No matching rows found')
        return { json: rows, lines: flags.list ? rowListLines(rows) : rowTableLines(rows) }
      })
    })
}

/** The query of the options, or the one that was typed. */
export function queryOf(text: string, flags: { skip?: string; top: string }): Record<string, string> {
  const query: Record<string, string> = {
    $top: String(wholeNumber('--top', flags.top, { min: 0, max: PAGE_ROWS_MAX })),
  }
  if (flags.skip !== undefined) query.$skip = String(wholeNumber('--skip', flags.skip, { min: 0, max: SKIP_MAX }))
  for (const part of text.split('&').filter((one) => one !== '')) {
    const [name = '', value, ...more] = part.split('=')
    if (name === '' || value === undefined || more.length > 0) {
      throw new Fault('usage.bad_query', 400, `'${part}' is not NAME=VALUE`, {
        hint: "Write the query like this: '$orderby=text&$top=5'",
      })
    }
    query[name] = value
  }
  return query
}

/** The rows as a table; every column that any row has. */
export function rowTableLines(rows: Row[]): string[] {
  if (rows.length === 0) return []
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return tableLines(
    columns,
    rows.map((row) => columns.map((column) => cellText(row[column]))),
  )
}

/** The rows one value a line. */
export function rowListLines(rows: Row[]): string[] {
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...pairLines(Object.entries(row).map(([name, value]) => [name, cellText(value)])),
  ])
}
