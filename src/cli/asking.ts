// The questions that commands ask when something was left out.
import type { Mode, Protection, SyncPolicy } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import type { Question } from './answers.ts'
import type { Session } from './command.ts'

/** The value, or the answer to `prompt`; faults with `usage.name_missing` when there is neither. */
export async function needText(
  session: Session,
  value: string | undefined,
  question: { prompt: string; what: string; insteadSay: string },
): Promise<string> {
  const given = value?.trim() ?? ''
  if (given !== '') return given
  // -q means no questions, also about names.
  const answer = session.flags.quiet ? '' : await session.answers.ask(question)
  if (answer !== '') return answer
  throw new Fault('usage.name_missing', 400, `${question.what} must be specified`, { hint: question.insteadSay })
}

/** True with --quiet, or when the person says so; otherwise that nothing was changed is told. */
export async function isSure(session: Session, question: Question): Promise<boolean> {
  if (session.flags.quiet || (await session.answers.confirm(question))) return true
  session.talk.info('Nothing was changed')
  return false
}

/** The name of a mobile service. */
export async function needService(session: Session, value: string | undefined, usage: string): Promise<string> {
  return await needText(session, value, {
    prompt: 'Mobile service name: ',
    what: 'the name of the mobile service',
    insteadSay: `Name the mobile service: ${usage}`,
  })
}

/** The name of a SQL server. */
export async function needSqlServer(session: Session, value: string | undefined, usage: string): Promise<string> {
  return await needText(session, value, {
    prompt: 'SQL server name: ',
    what: 'the name of the SQL server',
    insteadSay: `Name the SQL server: ${usage}`,
  })
}

/** The name of a table. */
export async function needTable(session: Session, value: string | undefined, usage: string): Promise<string> {
  return await needText(session, value, {
    prompt: 'Table name: ',
    what: 'the name of the table',
    insteadSay: `Name the table: ${usage}`,
  })
}

/** `shared` or `reserved` from an option, in any case. */
export function modeOf(text: string): Mode {
  const mode = text.toLowerCase()
  if (mode === 'shared' || mode === 'reserved') return mode
  throw new Fault('usage.bad_option', 400, `--mode takes shared or reserved, not '${text}'`)
}

/** A whole number from an option. */
export function wholeNumber(option: string, text: string, limits: { min: number; max: number }): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isInteger(number) && number >= limits.min && number <= limits.max) return number
  throw new Fault('usage.bad_option', 400, `${option} takes a whole number, not '${text}'`, {
    hint: `Give a number from ${limits.min} to ${limits.max}.`,
  })
}

/** `none`, `vault`, `async` or `sync` from an option, in any case. */
export function protectionOf(text: string): Protection {
  const protection = text.toLowerCase()
  const known: Protection[] = ['none', 'vault', 'async', 'sync']
  const found = known.find((one) => one === protection)
  if (found) return found
  throw new Fault('usage.bad_option', 400, `--protection takes none, vault, async or sync, not '${text}'`, {
    hint: 'With sync a write is answered when the standby has it too, with async before; with vault there are only backups.',
  })
}

/** `degrade` or `block` from an option, in any case. */
export function syncPolicyOf(text: string): SyncPolicy {
  const policy = text.toLowerCase()
  if (policy === 'degrade' || policy === 'block') return policy
  throw new Fault('usage.bad_option', 400, `--sync-policy takes degrade or block, not '${text}'`, {
    hint: 'Without the standby degrade goes on alone, and block lets writes wait until it is back.',
  })
}
