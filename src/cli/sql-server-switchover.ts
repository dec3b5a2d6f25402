// `sql server switchover`: primary and standby of a SQL server change roles, and no request fails.
import type { Command } from 'commander'
import { needSqlServer } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'
import { serverLines } from './server-lines.ts'

/** Adds the command. */
export function addSqlServerSwitchover(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'switchover [server]',
    about: 'move the primary of a SQL server to where its standby is; requests wait for a moment, none fails',
    examples: ['mainstay sql server switchover orders', 'mainstay sql server switchover orders --dry-run'],
  })
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: CommonFlags & DryRunFlag) => {
      await runCommand(shell, { name: 'sql server switchover', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server switchover SERVER')
        const client = await session.client()
        const plan = await client.planSwitchServer(name)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const ended = await followSteps(session, client, await client.switchServer(name))
        const held = ended.steps.find((step) => step.name === 'release')?.detail
        const lines = serverLines(await client.getServer(name), Date.now())
        return { json: ended, lines: held ? [...lines, held] : lines }
      })
    })
}
