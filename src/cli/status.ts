// `status`: the whole cloud on one screen.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { statusLines } from './status-lines.ts'

/** Adds the command. */
export function addStatus(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'status',
    about: 'show regions, services, servers, machines, warnings and what to do next',
    examples: ['mainstay status'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'status', flags }, async (session) => {
      const client = await session.client()
      const [status, servers] = await Promise.all([client.status(), client.listServers()])
      const shown = { asTyped: (text: string) => session.talk.asTyped(text), nowMs: Date.now() }
      return { json: { ...status, servers }, lines: statusLines(status, servers, shown) }
    })
  })
}
