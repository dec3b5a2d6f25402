// `mobile restart`: ends what a mobile service keeps open and starts it afresh.
import type { Command } from 'commander'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'

/** Adds the command. */
export function addMobileRestart(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'restart [service]',
    about: 'restart a mobile service: its connections, scripts and, where it is reserved, its processes',
    examples: ['mainstay mobile restart PrimaryService'],
  })
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: CommonFlags & DryRunFlag) => {
      await runCommand(shell, { name: 'mobile restart', flags }, async (session) => {
        const name = await needService(session, given, 'mainstay mobile restart SERVICE')
        const client = await session.client()
        if (flags.dryRun) return tellDryRun(session, await client.planRestart(name))
        session.talk.progress('Restarting mobile service')
        await client.restartService(name)
        session.talk.info('Service was restarted.')
        return { json: { restarted: true } }
      })
    })
}
