// `mobile restart`: ends what a mobile service keeps open and starts it afresh.
import type { Command } from 'commander'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

/** Adds the command. */
export function addMobileRestart(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'restart [service]',
    about: 'restart a mobile service: its connections, scripts and, where it is reserved, its processes',
    examples: ['mainstay mobile restart PrimaryService'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile restart', flags }, async (session) => {
      const name = await needService(session, given, 'mainstay mobile restart SERVICE')
      session.talk.progress('Restarting mobile service')
      await (await session.client()).restartService(name)
      session.talk.info('Service was restarted.')
      return { json: { restarted: true } }
    })
  })
}
