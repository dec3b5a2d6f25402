// `mobile archive list` and `delete`, `mobile restore-secondary` and `restore-deleted`: what ended, how it comes back,
// and how it goes for good.
import type { Command } from 'commander'
import type { ArchiveView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { needService } from './asking.ts'
import type { Client } from './client.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'
import { createdLines } from './service-lines.ts'

type EndedFlag = { endedAt?: string }
type Flags = CommonFlags & DryRunFlag & EndedFlag & { location?: string; secondaryFor?: string }

const ENDED_AT = [
  '--ended-at <time>',
  'of several that had the name, the one that ended then (default: the newest)',
] as const

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
    about: 'list the mobile services that were consumed by a recovery or deleted, while their data is kept',
    examples: ['mainstay mobile archive list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile archive list', flags }, async (session) => {
      const archives = await (await session.client()).listArchives()
      const empty = ['Nothing is in the archive.']
      return { json: archives, lines: archives.length === 0 ? empty : archiveLines(archives) }
    })
  })
}

/** Adds `archive delete`. */
export function addArchiveDelete(archive: Command, shell: Shell): void {
  const usage = 'mainstay mobile archive delete SERVICE'
  addCommand(archive, {
    usage: 'delete [service]',
    about: 'drop at once what is kept of a mobile service that ended; it cannot be brought back then',
    examples: [usage, `${usage} --quiet`],
  })
    .option(...ENDED_AT)
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: CommonFlags & DryRunFlag & EndedFlag) => {
      await runCommand(shell, { name: 'mobile archive delete', flags }, async (session) => {
        const name = await needService(session, given, usage)
        const client = await session.client()
        // Asked first in any case, so that nobody confirms what would be refused, or takes it for another.
        const which = await whichEnded(client, name, flags)
        const plan = await client.planDeleteArchived(name, which)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const prompt = 'Do you want to drop it? It cannot be brought back then. [y/n]: '
        const command = [
          'mainstay mobile archive delete',
          name,
          ...Object.values(which).map((at) => `--ended-at ${at}`),
        ]
        const insteadSay = `Add --quiet to drop it without a question: ${command.join(' ')} --quiet`
        if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info('Deletion cancelled with no changes made.')
          return { json: { deleted: false } }
        }
        session.talk.progress('Dropping its data')
        const operation = await client.deleteArchived(name, which)
        return { json: await followOperation(session, client, { operation }) }
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
    .option(...ENDED_AT)
    .option('--secondary-for <primary>', 'promise its capacity to this mobile service (default: as before)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: `mobile ${verb}`, flags }, async (session) => {
        const name = await needService(session, given, usage)
        const client = await session.client()
        const request = {
          ...(flags.location === undefined ? {} : { location: flags.location }),
          ...(flags.secondaryFor === undefined ? {} : { secondaryFor: flags.secondaryFor }),
          ...endedAtOf(flags),
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

// Another may end under that name between what is shown and what is confirmed.
async function whichEnded(client: Client, name: string, flags: EndedFlag): Promise<EndedFlag> {
  if (flags.endedAt !== undefined) return endedAtOf(flags)
  const newest = await findEnded(client, name)
  return newest ? { endedAt: newest.archivedAt } : {}
}

/** The service of that name that ended last, if any. */
export async function findEnded(client: Client, name: string): Promise<ArchiveView | undefined> {
  // They come with the newest first.
  return (await client.listArchives()).find((one) => one.name.toLowerCase() === name.toLowerCase())
}

// As people write it, and as the archive tells it.
function endedAtOf({ endedAt }: EndedFlag): EndedFlag {
  if (endedAt === undefined) return {}
  const time = Date.parse(endedAt)
  if (!Number.isNaN(time)) return { endedAt: new Date(time).toISOString() }
  throw new Fault('usage.bad_option', 400, `--ended-at takes a time, not '${endedAt}'`, {
    hint: 'As mainstay mobile archive list tells it.',
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
