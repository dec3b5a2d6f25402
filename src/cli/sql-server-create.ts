// `sql server create`: a new SQL server in a region, with its standby in another.
import type { Command } from 'commander'
import type { CreateServer } from '../contract/api.ts'
import { needSqlServer, protectionOf, syncPolicyOf } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'
import { serverLines } from './server-lines.ts'

type Flags = CommonFlags & DryRunFlag & { location?: string; protection?: string; syncPolicy?: string }

/** Adds the command. */
export function addSqlServerCreate(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'create [server]',
    about: 'create a SQL server, with a standby in another region',
    examples: ['mainstay sql server create orders --location "West US"'],
  })
    .option('-l, --location <region>', 'region to create it in (default: the first of `mobile locations`)')
    .option(
      '--protection <kind>',
      'async: a standby in another region; sync: one that commits wait for; none (default: async)',
    )
    .option('--sync-policy <policy>', 'when a synchronous standby is gone: degrade or block (default: degrade)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'sql server create', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server create SERVER')
        const request: CreateServer = {
          name,
          ...(flags.location === undefined ? {} : { location: flags.location }),
          ...(flags.protection === undefined ? {} : { protection: protectionOf(flags.protection) }),
          ...(flags.syncPolicy === undefined ? {} : { syncPolicy: syncPolicyOf(flags.syncPolicy) }),
        }
        const client = await session.client()
        if (flags.dryRun) return tellDryRun(session, await client.planCreateServer(request))
        session.talk.progress('Creating SQL server')
        await followOperation(session, client, { operation: await client.createServer(request) })
        const made = await client.getServer(name)
        return { json: made, lines: serverLines(made, Date.now()) }
      })
    })
}
