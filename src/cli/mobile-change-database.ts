// `mobile change-database`: has a mobile service use its data on another SQL server, and takes that back.
import type { Command } from 'commander'
import type { ChangeDatabase } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { needService, needSqlServer } from './asking.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { ACCEPT_LOSS, acceptedLossOf } from './duration.ts'
import { followSteps } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { undo?: boolean; acceptLoss?: string }

const USAGE = 'mainstay mobile change-database SERVICE SERVER'

/** Adds the command. */
export function addMobileChangeDatabase(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'change-database [service] [server]',
    about: 'use the data of a mobile service on another SQL server, such as one restored from a backup',
    examples: [
      'mainstay mobile change-database PrimaryService sql-west-us-restored --dry-run',
      'mainstay mobile change-database PrimaryService before-the-mistake --accept-loss 2h',
      'mainstay mobile change-database PrimaryService --undo',
    ],
  })
    .option('--undo', 'go back to the SQL server that it was on before')
    .option(
      ACCEPT_LOSS,
      'leave behind writes of so long (90s, 5m, 2h, any) that the other SQL server does not have',
      'none',
    )
    .option(...DRY_RUN)
    .action(async (service: string | undefined, server: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile change-database', flags }, async (session) => {
        const name = await needService(session, service, USAGE)
        const request = await requestOf(session, server, flags)
        const client = await session.client()
        const plan = await client.planChangeDatabase(name, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes.map((line) => session.talk.asTyped(line)))
        const ended = await followSteps(session, client, await client.changeDatabase(name, request))
        const held = ended.steps.find((step) => step.name === 'release')?.detail
        return { json: ended, lines: held ? [held] : [] }
      })
    })
}

async function requestOf(session: Session, server: string | undefined, flags: Flags): Promise<ChangeDatabase> {
  const acceptedLossMs = acceptedLossOf(flags.acceptLoss ?? 'none')
  if (flags.undo !== true) return { server: await needSqlServer(session, server, USAGE), acceptedLossMs }
  if (server === undefined) return { acceptedLossMs }
  throw new Fault('usage.bad_option', 400, '--undo goes back to where it was, and takes no server', {
    hint: 'Leave one of the two out.',
  })
}
