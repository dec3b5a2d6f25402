// `sql divergence list|show|apply|discard`: writes that a lost primary had committed and its standby never got.
import type { Command } from 'commander'
import { formatCount } from '../contract/amounts.ts'
import type { ApplyDivergence, DivergenceView, StrandedChangeView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { BUNDLE_CHANGES_SHOWN_MAX } from '../kit/limits.ts'
import { isSure, needSqlServer, wholeNumber } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { followSteps } from './follow.ts'

type WhichFlags = CommonFlags & { epoch?: string; service?: string }
type ShowFlags = WhichFlags & { top: string; skip: string }
type ApplyFlags = WhichFlags & { overwrite?: boolean }

const EPOCH_MAX = 2 ** 40
const SKIP_MAX = 100_000_000

/** Adds the four commands. */
export function addSqlDivergence(divergence: Command, shell: Shell): void {
  addList(divergence, shell)
  addShow(divergence, shell)
  addApply(divergence, shell)
  addDiscard(divergence, shell)
}

function addList(divergence: Command, shell: Shell): void {
  addCommand(divergence, {
    usage: 'list',
    about: 'list what lost primaries had and their successors lack',
    examples: ['mainstay sql divergence list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql divergence list', flags }, async (session) => {
      const found = await (await session.client()).listDivergences()
      const empty = ['No lost primary had anything that its successor lacks.']
      return { json: found, lines: found.length === 0 ? empty : listLines(found) }
    })
  })
}

function addShow(divergence: Command, shell: Shell): void {
  addCommand(divergence, {
    usage: 'show [server]',
    about: 'show stranded writes, and how each would apply today',
    examples: [
      'mainstay sql divergence show sql-west-us',
      'mainstay sql divergence show sql-west-us --service Shop --json',
    ],
  })
    .option('--epoch <number>', 'of the lost primary (default: the newest)')
    .option('--service <name>', 'only those of this mobile service')
    .option('-t, --top <number>', 'show this many one by one', '20')
    .option('--skip <number>', 'from this one on', '0')
    .action(async (given: string | undefined, flags: ShowFlags) => {
      await runCommand(shell, { name: 'sql divergence show', flags }, async (session) => {
        const server = await needSqlServer(session, given, 'mainstay sql divergence show SERVER')
        const count = wholeNumber('--top', flags.top, { min: 0, max: BUNDLE_CHANGES_SHOWN_MAX })
        const from = wholeNumber('--skip', flags.skip, { min: 0, max: SKIP_MAX })
        const wanted = { epoch: epochOf(flags), service: flags.service, from, count }
        const found = await (await session.client()).showDivergence(server, wanted)
        const { clean, already, conflicts, changes } = found
        const total = clean + already + conflicts
        const left = total - from - changes.length
        const lines = [
          ...divergenceLines(found.divergence),
          ...pairLines([
            ['Would apply', formatCount(clean)],
            ['There already', formatCount(already)],
            ['Conflicts', formatCount(conflicts)],
          ]),
          ...(changes.length > 0 ? changeLines(changes) : []),
          ...(left > 0 ? [`${formatCount(left)} more: --skip ${from + changes.length}`] : []),
        ]
        return { json: found, lines }
      })
    })
}

function addApply(divergence: Command, shell: Shell): void {
  addCommand(divergence, {
    usage: 'apply [server]',
    about: 'bring stranded writes back; rows that were changed since are left alone, or overwritten',
    examples: ['mainstay sql divergence apply sql-west-us', 'mainstay sql divergence apply sql-west-us --overwrite'],
  })
    .option('--epoch <number>', 'of the lost primary (default: the newest)')
    .option('--service <name>', 'only those of this mobile service')
    .option('--overwrite', 'also over rows that were changed since')
    .action(async (given: string | undefined, flags: ApplyFlags) => {
      await runCommand(shell, { name: 'sql divergence apply', flags }, async (session) => {
        const server = await needSqlServer(session, given, 'mainstay sql divergence apply SERVER')
        const epoch = epochOf(flags)
        const client = await session.client()
        const { service } = flags
        const plan = await client.showDivergence(server, { epoch, service, from: 0, count: 0 })
        const { clean, already, conflicts, divergence: found } = plan
        const over = flags.overwrite === true && conflicts > 0 ? `, and ${conflicts} over what was changed since` : ''
        session.talk.data(`${clean} change(s) would be applied${over}; ${already} are there, ${conflicts} conflict(s)`)
        const prompt = `Do you want to apply them to ${server}? [y/n]: `
        const insteadSay = `Add --quiet to apply without a question: mainstay sql divergence apply ${server} --quiet`
        if (!(await isSure(session, { prompt, insteadSay }))) {
          return { json: { applied: false } }
        }
        const request: ApplyDivergence = {
          epoch: found.epoch,
          ...(service === undefined ? {} : { service }),
          ...(flags.overwrite ? { onConflict: 'overwrite' as const } : {}),
        }
        const ended = await followSteps(session, client, await client.applyDivergence(server, request))
        return { json: ended, lines: [ended.steps.at(-1)?.detail ?? ''] }
      })
    })
}

function addDiscard(divergence: Command, shell: Shell): void {
  addCommand(divergence, {
    usage: 'discard [server]',
    about: 'say that what is left of stranded writes is not needed; the quarantined copy is dropped',
    examples: ['mainstay sql divergence discard sql-west-us'],
  })
    .option('--epoch <number>', 'of the lost primary (default: the newest)')
    .action(async (given: string | undefined, flags: WhichFlags) => {
      await runCommand(shell, { name: 'sql divergence discard', flags }, async (session) => {
        const server = await needSqlServer(session, given, 'mainstay sql divergence discard SERVER')
        const epoch = epochOf(flags)
        const client = await session.client()
        const isMeant = (one: DivergenceView) => (epoch === undefined ? one.state !== 'discarded' : one.epoch === epoch)
        const found = (await client.listDivergences()).find((one) => one.server === server && isMeant(one))
        if (!found) {
          throw new Fault('divergence.unknown', 404, `no stranded writes of ${server} are known`, {
            hint: 'See which there are: mainstay sql divergence list',
          })
        }
        const prompt = `Do you want to discard ${found.changes} change(s) that only the lost primary had? [y/n]: `
        const insteadSay = `Add --quiet to discard them: mainstay sql divergence discard ${server} --quiet`
        if (!(await isSure(session, { prompt, insteadSay }))) {
          return { json: { discarded: false } }
        }
        await client.discardDivergence(server, found.epoch)
        return { json: { discarded: true } }
      })
    })
}

function epochOf({ epoch }: WhichFlags): number | undefined {
  return epoch === undefined ? undefined : wholeNumber('--epoch', epoch, { min: 1, max: EPOCH_MAX })
}

function listLines(found: DivergenceView[]): string[] {
  const rows = found.map((one) => [
    one.server,
    String(one.epoch),
    one.machine,
    formatCount(one.transactions),
    formatCount(one.changes),
    [...new Set(one.tables.map(({ service, schema }) => service ?? schema))].join(', '),
    one.state,
    one.foundAt,
  ])
  return tableLines(['Server', 'Epoch', 'Found on', 'Transactions', 'Changes', 'Services', 'State', 'Found'], rows)
}

function divergenceLines(one: DivergenceView): string[] {
  const { applied } = one
  return pairLines([
    ['Server', one.server],
    ['Lost primary', `on ${one.machine}, under epoch ${one.epoch}`],
    ['State', one.state],
    ['Transactions', formatCount(one.transactions)],
    ['Changes', formatCount(one.changes)],
    ['Applied', applied && `${applied.applied}, ${applied.skipped} left alone`],
  ])
}

function changeLines(changes: StrandedChangeView[]): string[] {
  const rows = changes.map((one) => [
    String(one.transaction),
    one.committedAt,
    `${one.schema}.${one.table}`,
    one.kind,
    one.key ?? '',
    one.outcome,
    one.reason ?? '',
  ])
  return tableLines(['Transaction', 'Committed', 'Table', 'Change', 'Id', 'Today', 'Why'], rows)
}
