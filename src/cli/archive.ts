// `mobile archive list`, `mobile restore-secondary` and `mobile restore-deleted`: what ended, and how it comes back.
import type { Command } from 'commander'
import type { ArchiveView } from '../contract/api.ts'
import { needService } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'
import { createdLines } from './service-lines.ts'

type Flags = CommonFlags & DryRunFlag & { location?: string; secondaryFor?: string }

/** What was consumed, and what was deleted: brought back in the same way. */
const RESTORES = {
  'restore-secondary':
    'bring an archived mobile service back with its tables, scripts, keys and rows, as a secondary again',
  'restore-deleted':
    'bring a deleted mobile service back with its tables, scripts, keys and rows, while these are kept',
}

/** Adds `archive list`. */
export function addArchiveList(archive: Command, shell: Shell): void {
  addCommand(archive, {
    usage: 'list',
    about: 'list the mobile services that were consumed by a recovery or deleted with their data kept',
    examples: ['mainstay mobile archive list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile archive list', flags }, async (session) => {
      const archives = await (await session.client()).listArchives()
      const empty = ['Nothing is in the archive.']
      return { json: archives, lines: archives.length === 0 ? empty : archiveLines(archives) }
    })
  })
}

/** Adds `restore-secondary` and `restore-deleted`. */
export function addRestores(mobile: Command, shell: Shell): void {
  addRestore(mobile, shell, 'restore-secondary')
  addRestore(mobile, shell, 'restore-deleted')
}

function addRestore(mobile: Command, shell: Shell, verb: keyof typeof RESTORES): void {
  const usage = `mainstay mobile ${verb} SERVICE`
  addCommand(mobile, {
    usage: `${verb} [service]`,
    about: RESTORES[verb],
    examples: [usage, `${usage} --location "West US" --secondary-for PrimaryService`],
  })
    .option(
      '-l, --location <region>',
      'region to bring it back in (default: where it was, unless its primary is there)',
    )
    .option('--secondary-for <primary>', 'promise its capacity to this mobile service (default: as before)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: `mobile ${verb}`, flags }, async (session) => {
        const name = await needService(session, given, usage)
        const client = await session.client()
        const request = {
          ...(flags.location === undefined ? {} : { location: flags.location }),
          ...(flags.secondaryFor === undefined ? {} : { secondaryFor: flags.secondaryFor }),
        }
        if (flags.dryRun) return tellDryRun(session, await client.planRestore(name, request))
        session.talk.progress('Restoring mobile service')
        const operation = await client.restoreService(name, request)
        await followOperation(session, client, { operation })
        const service = await client.getService(name)
        return { json: service, lines: createdLines(service, (text) => session.talk.asTyped(text)) }
      })
    })
}

function archiveLines(archives: ArchiveView[]): string[] {
  const rows = archives.map((one) => [
    one.name,
    one.mode === 'reserved' ? `reserved, ${one.units}` : 'shared',
    one.region,
    one.archivedAt,
    one.hasData ? (one.dropDataAt == null ? 'kept' : `until ${one.dropDataAt}`) : 'dropped',
    one.reason,
  ])
  return tableLines(['Name', 'Mode', 'Region', 'Archived', 'Rows', 'Why'], rows)
}
