// `mobile show`: one mobile service, its health with evidence, and its keys.
import type { Command } from 'commander'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { serviceLines } from './service-lines.ts'

/** Adds the command. */
export function addMobileShow(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'show [service]',
    about: 'show a mobile service: state, cause, keys, tables and what to do next',
    examples: ['mainstay mobile show PrimaryService'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile show', flags }, async (session) => {
      const name = await needService(session, given, 'mainstay mobile show SERVICE')
      const service = await (await session.client()).getService(name)
      const asTyped = (text: string) => session.talk.asTyped(text)
      return { json: service, lines: serviceLines(service, { nowMs: Date.now(), asTyped }) }
    })
  })
}
