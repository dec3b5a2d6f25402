// `notice add|list|remove|test`: whom incidents are told to.
import type { Command } from 'commander'
import type { NewNoticeTarget } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type AddFlags = CommonFlags & { webhook?: string; email?: string; severity: string }

/** Adds the commands. */
export function addNotice(notice: Command, shell: Shell): void {
  addAdd(notice, shell)
  addList(notice, shell)
  addRemove(notice, shell)
  addTest(notice, shell)
}

function addAdd(notice: Command, shell: Shell): void {
  addCommand(notice, {
    usage: 'add',
    about: 'have somebody told of incidents: when one opens, changes, and is over',
    examples: [
      'mainstay notice add --webhook https://example.com/hooks/mainstay',
      'mainstay notice add --email ops@example.com --severity unhealthy',
    ],
  })
    .option('--webhook <url>', 'a URL that is called with a signed JSON body')
    .option('--email <address>', 'an address that mail is sent to')
    .option('--severity <severity>', 'degraded or unhealthy: how bad it must be', 'degraded')
    .action(async (flags: AddFlags) => {
      await runCommand(shell, { name: 'notice add', flags }, async (session) => {
        const made = await (await session.client()).addNoticeTarget(readTarget(flags))
        const secret: [string, string][] = made.secret === null ? [] : [['Secret', made.secret]]
        const talk = made.secret === null ? [] : ['The secret is shown this once: calls are signed with it.']
        return { json: made, lines: [...pairLines([['Notice', made.id], ...secret]), ...talk] }
      })
    })
}

function addList(notice: Command, shell: Shell): void {
  addCommand(notice, {
    usage: 'list',
    about: 'list who is told of incidents, and whether that arrives',
    examples: ['mainstay notice list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'notice list', flags }, async (session) => {
      const found = await (await session.client()).listNoticeTargets()
      const rows = found.map(({ id, kind, target, severity, lastSentAt, problem }) => [
        ...[id, kind, target, severity, lastSentAt ?? 'never', problem ?? ''],
      ])
      const header = ['Notice', 'Kind', 'To', 'Severity', 'Last sent', 'Problem']
      return { json: found, lines: found.length === 0 ? ['Nobody is told.'] : tableLines(header, rows) }
    })
  })
}

function addRemove(notice: Command, shell: Shell): void {
  addCommand(notice, {
    usage: 'remove <notice>',
    about: 'tell somebody no more',
    examples: ['mainstay notice remove 3f2c9a'],
  }).action(async (id: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'notice remove', flags }, async (session) => {
      await (await session.client()).removeNoticeTarget(id)
      return { json: { removed: id }, lines: [`${id} is told no more.`] }
    })
  })
}

function addTest(notice: Command, shell: Shell): void {
  addCommand(notice, {
    usage: 'test <notice>',
    about: 'send something, to see whether it arrives; notice list tells what became of it',
    examples: ['mainstay notice test 3f2c9a'],
  }).action(async (id: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'notice test', flags }, async (session) => {
      await (await session.client()).tryNotice(id)
      return { json: { sent: id }, lines: ['It is on its way; see: mainstay notice list'] }
    })
  })
}

function readTarget({ webhook, email, severity }: AddFlags): NewNoticeTarget {
  const level = severity.toLowerCase()
  if (level !== 'degraded' && level !== 'unhealthy') {
    throw new Fault('usage.bad_option', 400, `--severity is degraded or unhealthy, not '${severity}'`, {
      hint: 'Type: mainstay notice add --email ops@example.com --severity unhealthy',
    })
  }
  if ((webhook === undefined) === (email === undefined)) {
    throw new Fault('usage.bad_option', 400, 'a notice goes to a --webhook or to an --email', {
      hint: 'Say which: mainstay notice add --webhook https://example.com/hooks/mainstay',
    })
  }
  const to =
    webhook === undefined
      ? { kind: 'email' as const, target: email ?? '' }
      : { kind: 'webhook' as const, target: webhook }
  return { ...to, severity: level === 'degraded' ? 'Degraded' : 'Unhealthy' }
}
