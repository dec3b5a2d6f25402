// `mobile table show`: one table with its permissions and columns.
import type { Command } from 'commander'
import { formatBytes, formatCount } from '../contract/amounts.ts'
import type { TableView } from '../contract/api.ts'
import { TABLE_OPERATIONS } from '../contract/permissions.ts'
import { slowReadText } from '../contract/slow-read.ts'
import { needService, needTable } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

const USAGE = 'mainstay mobile table show SERVICE TABLE'

/** Adds the command. */
export function addTableShow(table: Command, shell: Shell): void {
  addCommand(table, {
    usage: 'show [service] [table]',
    about: 'show a table with its permissions and columns',
    examples: ['mainstay mobile table show PrimaryService TodoItem'],
  }).action(async (givenService: string | undefined, givenTable: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile table show', flags }, async (session) => {
      const service = await needService(session, givenService, USAGE)
      const name = await needTable(session, givenTable, USAGE)
      const view = await (await session.client()).tables.getTable(service, name)
      return { json: view, lines: tableViewLines(view) }
    })
  })
}

/** The table, its permissions, its columns. */
export function tableViewLines(view: TableView): string[] {
  const columns = view.columns?.map((column) => [column.name, column.type, column.indexed ? 'yes' : 'no'])
  return [
    ...pairLines([
      ['Table', view.name],
      ['Rows', view.recordCount === null ? 'unknown: its region cannot be asked now' : formatCount(view.recordCount)],
      ...(typeof view.bytes === 'number' ? [['Size', formatBytes(view.bytes)] as [string, string]] : []),
      ['Ids', view.idType === 'integer' ? 'integers that the service gives' : 'texts'],
      ['Soft delete', view.hasSoftDelete === null ? 'unknown' : view.hasSoftDelete ? 'on' : 'off'],
      ['Created', view.createdAt],
    ]),
    'Permissions',
    ...pairLines(TABLE_OPERATIONS.map((operation) => [`  ${operation}`, view.permissions[operation]])),
    ...(columns ? tableLines(['Column', 'Type', 'Indexed'], columns) : ['Columns are unknown now.']),
    ...(view.advice ?? []).flatMap((advice) => [
      `Slow for want of an index: ${slowReadText(advice)}`,
      `  ${advice.command}`,
    ]),
  ]
}
