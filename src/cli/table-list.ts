// `mobile table list`: the tables of a mobile service.
import type { Command } from 'commander'
import { formatCount } from '../contract/amounts.ts'
import { needService } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

/** Adds the command. */
export function addTableList(table: Command, shell: Shell): void {
  addCommand(table, {
    usage: 'list [service]',
    about: 'list the tables of a mobile service',
    examples: ['mainstay mobile table list PrimaryService'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile table list', flags }, async (session) => {
      const service = await needService(session, given, 'mainstay mobile table list SERVICE')
      const tables = await (await session.client()).tables.listTables(service)
      if (tables.length === 0) {
        const command = session.talk.asTyped(`mainstay mobile table create ${service} TodoItem`)
        session.talk.info(`No tables created yet. Create one: ${command}`)
        return { json: [] }
      }
      const rows = tables.map((one) => [
        one.name,
        one.columns === null ? 'unknown' : String(one.columns.filter((column) => column.indexed).length),
        one.recordCount === null ? 'unknown' : formatCount(one.recordCount),
        one.idType,
      ])
      return { json: tables, lines: tableLines(['Name', 'Indexes', 'Rows', 'Ids'], rows) }
    })
  })
}
