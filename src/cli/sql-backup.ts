// `sql backup list|create|verify` and `sql restore`: what a vault holds of a SQL server, and a new server made from it.
import type { Command } from 'commander'
import { formatBytes } from '../contract/amounts.ts'
import type { BackupsView, RestoreServer } from '../contract/api.ts'
import { needSqlServer } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'
import { serverLines } from './server-lines.ts'

type RestoreFlags = CommonFlags & DryRunFlag & { to?: string; location?: string; name?: string }

/** Adds `backup list`, `create` and `verify`. */
export function addSqlBackup(backup: Command, shell: Shell): void {
  addCommand(backup, {
    usage: 'list [server]',
    about:
      'list the backups of a SQL server, also of one that is lost or deleted, and the moments that can be restored',
    examples: ['mainstay sql backup list sql-west-us'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql backup list', flags }, async (session) => {
      const server = await needSqlServer(session, given, 'mainstay sql backup list SERVER')
      const found = await (await session.client()).listBackups(server)
      return { json: found, lines: backupLines(found) }
    })
  })
  addCommand(backup, {
    usage: 'create [server]',
    about: 'take a base backup now; its WAL is kept all the time',
    examples: ['mainstay sql backup create sql-west-us'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql backup create', flags }, async (session) => {
      const server = await needSqlServer(session, given, 'mainstay sql backup create SERVER')
      const client = await session.client()
      const ended = await followSteps(session, client, await client.createBackup(server))
      return { json: ended, lines: [ended.steps.at(-1)?.detail ?? ''] }
    })
  })
  addCommand(backup, {
    usage: 'verify [server]',
    about: 'read every object of a SQL server in the vault, and name what is damaged or missing',
    examples: ['mainstay sql backup verify sql-west-us', 'mainstay sql backup verify sql-west-us --restore'],
  })
    .option('--restore', 'also restore the newest moment into a scratch server, and check its tables and indexes')
    .action(async (given: string | undefined, flags: CommonFlags & { restore?: boolean }) => {
      await runCommand(shell, { name: 'sql backup verify', flags }, async (session) => {
        const server = await needSqlServer(session, given, 'mainstay sql backup verify SERVER')
        const client = await session.client()
        const operation = await client.verifyBackups(server, flags.restore === true)
        const ended = await followSteps(session, client, operation)
        return { json: ended, lines: [ended.steps.at(-1)?.detail ?? ''] }
      })
    })
}

/** Adds `restore`. */
export function addSqlRestore(sql: Command, shell: Shell): void {
  addCommand(sql, {
    usage: 'restore [server]',
    about:
      'make a new SQL server from the backups of another, as it was at any moment; nothing is needed from the other',
    examples: [
      'mainstay sql restore sql-west-us --to 2026-11-25T14:03:20Z --location "East US" --name before-the-mistake',
      'mainstay sql restore sql-west-us --to latest --dry-run',
    ],
  })
    .option('--to <moment>', 'latest, a moment, or a backup of `sql backup list`', 'latest')
    .option('-l, --location <region>', 'region of the new server (default: the first of `mobile locations`)')
    .option('--name <name>', 'of the new server (default: SERVER-restored)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: RestoreFlags) => {
      await runCommand(shell, { name: 'sql restore', flags }, async (session) => {
        const source = await needSqlServer(session, given, 'mainstay sql restore SERVER')
        const request: RestoreServer = {
          ...(flags.to === undefined ? {} : { to: flags.to }),
          ...(flags.location === undefined ? {} : { location: flags.location }),
          ...(flags.name === undefined ? {} : { name: flags.name }),
        }
        const client = await session.client()
        const plan = await client.planRestoreServer(source, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const ended = await followSteps(session, client, await client.restoreServer(source, request))
        const made = await client.getServer(ended.server ?? '')
        return { json: made, lines: serverLines(made, Date.now()) }
      })
    })
}

function backupLines(found: BackupsView): string[] {
  const { backups, restorable, gaps, problems } = found
  const rows = backups.map((one) => [
    one.id,
    one.endedAt,
    formatBytes(one.plainBytes),
    formatBytes(one.storedBytes),
    one.restorable?.to ?? '',
    one.problem ?? '',
  ])
  return [
    ...pairLines([
      ['Vault', found.vault],
      ['Restorable', restorable ? `any moment from ${restorable.from} to ${restorable.to}` : 'nothing yet'],
    ]),
    ...(rows.length > 0 ? tableLines(['Backup', 'Taken', 'Data', 'In the vault', 'Good until', 'Problem'], rows) : []),
    ...gaps,
    ...problems,
  ]
}
