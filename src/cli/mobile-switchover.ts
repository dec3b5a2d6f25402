// `mobile switchover`: a planned move of a mobile service to another region, without a failed request.
import type { Command } from 'commander'
import type { SwitchService } from '../contract/api.ts'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { withServer?: boolean }

/** Adds the command. */
export function addMobileSwitchover(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'switchover [service] [to]',
    about: 'move a mobile service to another region as planned: requests wait for a moment, none fails',
    examples: [
      'mainstay mobile switchover PrimaryService',
      'mainstay mobile switchover PrimaryService "East US" --dry-run',
    ],
  })
    .option('--with-server', 'also when its SQL server holds the data of other mobile services')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, to: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile switchover', flags }, async (session) => {
        const name = await needService(session, given, 'mainstay mobile switchover SERVICE [REGION]')
        const request: SwitchService = {
          ...(to === undefined ? {} : { to }),
          ...(flags.withServer ? { isWithServer: true } : {}),
        }
        const client = await session.client()
        const plan = await client.planSwitchover(name, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const ended = await followSteps(session, client, await client.switchover(name, request))
        const held = ended.steps.find((step) => step.name === 'release')?.detail
        return { json: ended, lines: held ? [held] : [] }
      })
    })
}
