// `mobile list`: all mobile services and how they are.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { NO_SERVICES, serviceListLines, troubleLines } from './service-lines.ts'

/** Adds the command. */
export function addMobileList(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'list',
    about: 'list the mobile services with their state',
    examples: ['mainstay mobile list', 'mainstay mobile list --json'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile list', flags }, async (session) => {
      const services = await (await session.client()).listServices()
      if (services.length === 0) {
        session.talk.info(NO_SERVICES)
        return { json: [] }
      }
      const asTyped = (text: string) => session.talk.asTyped(text)
      return { json: services, lines: [...serviceListLines(services), ...troubleLines(services, asTyped)] }
    })
  })
}
