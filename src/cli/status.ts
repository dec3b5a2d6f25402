// `status`: the whole cloud on one screen.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { statusLines } from './status-lines.ts'
import { addStatusPosts } from './status-post.ts'

/** Adds the command, and those below it. */
export function addStatus(program: Command, shell: Shell): void {
  const status = addCommand(program, {
    usage: 'status',
    about: 'show regions, services, servers, machines, warnings and what to do next',
    examples: ['mainstay status'],
  })
  // With the program's own: flags behind the word of a command below are that one's.
  status.enablePositionalOptions()
  addStatusPosts(status, shell)
  status.action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'status', flags }, async (session) => {
      const client = await session.client()
      const [status, servers] = await Promise.all([client.status(), client.listServers()])
      const shown = { asTyped: (text: string) => session.talk.asTyped(text), nowMs: Date.now() }
      return { json: { ...status, servers }, lines: statusLines(status, servers, shown) }
    })
  })
}
