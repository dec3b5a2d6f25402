// `sql server promote`: the standby of a SQL server whose primary is lost takes over, without a recovery of a service.
import type { Command } from 'commander'
import type { PromoteServer } from '../contract/api.ts'
import { needSqlServer } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { ACCEPT_LOSS, acceptedLossOf } from './duration.ts'
import { followSteps } from './follow.ts'
import { serverLines } from './server-lines.ts'

type Flags = CommonFlags & DryRunFlag & { acceptLoss?: string }

/** Adds the command. */
export function addSqlServerPromote(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'promote [server]',
    about: 'have the standby of a SQL server take over whose primary is lost; mobile services stay where they are',
    examples: ['mainstay sql server promote orders --dry-run', 'mainstay sql server promote orders --accept-loss 5m'],
  })
    .option(ACCEPT_LOSS, 'lose writes of so long: 90s, 5m, 2h, none or any (default: 1m)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'sql server promote', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server promote SERVER')
        const request: PromoteServer =
          flags.acceptLoss === undefined ? {} : { acceptedLossMs: acceptedLossOf(flags.acceptLoss) }
        const client = await session.client()
        const plan = await client.planPromoteServer(name, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const ended = await followSteps(session, client, await client.promoteServer(name, request))
        return { json: ended, lines: serverLines(await client.getServer(name), Date.now()) }
      })
    })
}
