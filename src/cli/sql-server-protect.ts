// `sql server protect`: how a SQL server is protected, changed while it serves.
import type { Command } from 'commander'
import type { ProtectServer } from '../contract/api.ts'
import { needSqlServer, protectionOf, syncPolicyOf } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'
import { serverLines } from './server-lines.ts'

type Flags = CommonFlags & DryRunFlag & { protection?: string; syncPolicy?: string; location?: string }

/** Adds the command. */
export function addSqlServerProtect(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'protect [server]',
    about: 'give a SQL server a standby in another region, move it, or give it up',
    examples: [
      'mainstay sql server protect sql-west-us',
      'mainstay sql server protect orders --location "North Europe"',
      'mainstay sql server protect orders --protection none',
    ],
  })
    .option('--protection <kind>', 'async, sync or none (default: what it has, or async)')
    .option('-l, --location <region>', 'region of the standby (default: any other)')
    .option('--sync-policy <policy>', 'when a synchronous standby is gone: degrade or block (default: degrade)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'sql server protect', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server protect SERVER')
        const request: ProtectServer = {
          ...(flags.protection === undefined ? {} : { protection: protectionOf(flags.protection) }),
          ...(flags.syncPolicy === undefined ? {} : { syncPolicy: syncPolicyOf(flags.syncPolicy) }),
          ...(flags.location === undefined ? {} : { location: flags.location }),
        }
        const client = await session.client()
        const plan = await client.planProtectServer(name, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        await followSteps(session, client, await client.protectServer(name, request))
        const changed = await client.getServer(name)
        return { json: changed, lines: serverLines(changed, Date.now()) }
      })
    })
}
