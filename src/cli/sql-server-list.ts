// `sql server list`: every PostgreSQL server with its copies.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { serverListLines } from './server-lines.ts'

/** Adds the command. */
export function addSqlServerList(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'list',
    about: 'list the SQL servers with their copies, lag and lease',
    examples: ['mainstay sql server list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql server list', flags }, async (session) => {
      const servers = await (await session.client()).listServers()
      return { json: servers, lines: serverListLines(servers, Date.now()) }
    })
  })
}
