// `incident list`: what is or was not well.
import type { Command } from 'commander'
import { formatMs } from '../contract/amounts.ts'
import type { IncidentView } from '../contract/api.ts'
import { wholeNumber } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { subject?: string; open?: boolean; top: string }

const ROWS_MAX = 1_000

/** Adds the command. */
export function addIncidentList(incident: Command, shell: Shell): void {
  addCommand(incident, {
    usage: 'list',
    about: 'list what is or was not well, the newest first: since when, why, and who says so',
    examples: ['mainstay incident list --open', 'mainstay incident list --subject PrimaryService --json'],
  })
    .option('--subject <name>', 'only of this: a service, a region, a server, a machine')
    .option('--open', 'only those that are not over')
    .option('-t, --top <number>', 'this many', '20')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'incident list', flags }, async (session) => {
        const top = wholeNumber('--top', flags.top, { min: 1, max: ROWS_MAX })
        const wanted = { subject: flags.subject, isOpen: flags.open ?? false, top }
        const found = await (await session.client()).listIncidents(wanted)
        return { json: found, lines: found.length === 0 ? ['There are none.'] : incidentLines(found, Date.now()) }
      })
    })
}

/** A row for each. */
export function incidentLines(incidents: IncidentView[], nowMs: number): string[] {
  const rows = incidents.map(({ openedAt, closedAt, kind, subject, state, cause, message, evidence }) => {
    const untilMs = closedAt === null ? nowMs : Date.parse(closedAt)
    const lasted = formatMs(Math.max(0, untilMs - Date.parse(openedAt)))
    const why = evidence.length === 0 ? message : `${message} (${evidence.join('; ')})`
    return [openedAt, closedAt === null ? `open, ${lasted}` : lasted, kind, subject, state, cause, why]
  })
  return tableLines(['Since', 'Lasted', 'Kind', 'Subject', 'State', 'Cause', 'Why'], rows)
}
