// `sql restore-table`: one table of a mobile service, or some of its rows, as they were; the rest is not touched.
import type { Command } from 'commander'
import type { RestoreTable } from '../contract/api.ts'
import { needService, needTable, needText } from './asking.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { to?: string; as?: string; id?: string[]; exact?: boolean; from?: string }

const USAGE = 'mainstay sql restore-table SERVICE TABLE --to MOMENT'

/** Adds the command. */
export function addSqlRestoreTable(sql: Command, shell: Shell): void {
  addCommand(sql, {
    usage: 'restore-table [service] [table]',
    about: 'bring a table of a mobile service back as it was, or some of its rows; the rest is not touched',
    examples: [
      'mainstay sql restore-table PrimaryService TodoItem --to 2026-11-25T14:03:20Z --as TodoItemBefore',
      'mainstay sql restore-table PrimaryService TodoItem --to 2026-11-25T14:03:20Z --id 17 --id 18',
      'mainstay sql restore-table PrimaryService TodoItem --to 2026-11-25T14:03:20Z --dry-run',
    ],
  })
    .option('--to <moment>', 'a moment, latest, or a backup of `sql backup list`')
    .option('--as <name>', 'into a new table; else rows that were deleted or changed since are set back')
    .option('--id <id>', 'only the row of that id; may be given again', collect)
    .option('--exact', 'also delete rows that were inserted since')
    .option('--from <server>', 'whose backups (default: of the SQL server that it is on)')
    .option(...DRY_RUN)
    .action(async (service: string | undefined, table: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'sql restore-table', flags }, async (session) => {
        return await restoreTable(session, { service, table, flags })
      })
    })
}

async function restoreTable(
  session: Session,
  given: { service: string | undefined; table: string | undefined; flags: Flags },
): Promise<Result> {
  const { flags } = given
  const service = await needService(session, given.service, USAGE)
  const table = await needTable(session, given.table, USAGE)
  const to = await needText(session, flags.to, {
    prompt: 'As it was at: ',
    what: 'the moment',
    insteadSay: `Name it: ${USAGE}`,
  })
  const request: RestoreTable = {
    to,
    ...(flags.as === undefined ? {} : { as: flags.as }),
    ...(flags.id === undefined ? {} : { ids: flags.id }),
    ...(flags.exact ? { isExact: true } : {}),
    ...(flags.from === undefined ? {} : { from: flags.from }),
  }
  const client = await session.client()
  const plan = await client.planRestoreTable(service, table, request)
  if (flags.dryRun) return tellDryRun(session, plan)
  session.talk.data(...plan.changes)
  if (flags.as === undefined && !(await isConfirmed(session, table))) {
    session.talk.info('Nothing was changed')
    return { json: { restored: false } }
  }
  const ended = await followSteps(session, client, await client.restoreTable(service, table, request))
  return { json: ended, lines: [ended.steps[0]?.detail ?? ''] }
}

// A table of its own harms nobody.
async function isConfirmed({ flags, answers }: Session, table: string): Promise<boolean> {
  if (flags.quiet) return true
  return await answers.confirm({
    prompt: `Rows of '${table}' that were changed since become what they were. Continue? (y/n): `,
    insteadSay: 'Add --quiet to do so without a question, or --as NAME for a new table.',
  })
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
