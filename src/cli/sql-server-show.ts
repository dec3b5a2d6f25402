// `sql server show`: one PostgreSQL server: its copies, lag, last contact, and what a quarantined one keeps.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { serverLines } from './server-lines.ts'

/** Adds the command. */
export function addSqlServerShow(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'show <server>',
    about: 'show a SQL server with all its copies',
    examples: ['mainstay sql server show sql-west-us'],
  }).action(async (name: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql server show', flags }, async (session) => {
      const view = await (await session.client()).getServer(name)
      return { json: view, lines: serverLines(view, Date.now()) }
    })
  })
}
