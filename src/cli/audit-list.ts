// `audit list`: who changed what.
import type { Command } from 'commander'
import { wholeNumber } from './asking.ts'
import { cellText, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { subject?: string; top: string }

const ROWS_MAX = 1_000

/** Adds the command. */
export function addAuditList(audit: Command, shell: Shell): void {
  addCommand(audit, {
    usage: 'list',
    about: 'list changes, the newest first: who, what, before and after',
    examples: ['mainstay audit list', 'mainstay audit list --subject PrimaryService --json'],
  })
    .option('--subject <name>', 'only changes of this: a service, SERVICE/TABLE, a region, a machine')
    .option('-t, --top <number>', 'this many', '20')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'audit list', flags }, async (session) => {
        const top = wholeNumber('--top', flags.top, { min: 1, max: ROWS_MAX })
        const found = await (await session.client()).listAudit({ subject: flags.subject, top })
        const rows = found.map((one) => [
          one.at,
          one.principal,
          one.action,
          one.subject,
          cellText(one.before),
          cellText(one.after),
        ])
        const header = ['When', 'Who', 'What', 'Subject', 'Before', 'After']
        return { json: found, lines: found.length === 0 ? ['Nothing was changed yet.'] : tableLines(header, rows) }
      })
    })
}
