// What SQL servers look like as `data:` lines.

import { formatBytes, formatMs } from '../contract/amounts.ts'
import type { ServerView } from '../contract/api.ts'
import { formatAge } from './amounts.ts'
import { pairLines, tableLines } from './columns.ts'

type Member = ServerView['members'][number]
type External = NonNullable<ServerView['external']>

/** One row for each copy of each server. */
export function serverListLines(servers: ServerView[], nowMs: number): string[] {
  const rows = servers.flatMap((server) =>
    server.members.map((member) => [
      server.name,
      server.external ? server.region : member.region,
      server.external ? 'external' : member.role,
      member.standing ?? member.state,
      lagText(member),
      member.lease,
      member.lastContactAt === null ? 'never' : formatAge(member.lastContactAt, nowMs),
      String(server.services.length),
    ]),
  )
  return tableLines(['Server', 'Region', 'Role', 'State', 'Lag', 'Lease', 'Last contact', 'Services'], rows)
}

/** One server with all its copies. */
export function serverLines(server: ServerView, nowMs: number): string[] {
  return server.external ? externalLines(server, server.external, nowMs) : managedLines(server, nowMs)
}

function managedLines(server: ServerView, nowMs: number): string[] {
  return [
    ...pairLines([
      ['Server', server.name],
      ['Primary in', server.region],
      ['Epoch', String(server.epoch)],
      ['Protection', protectionText(server)],
      ['Operation', server.operation],
      ['Backups', backupText(server.backup, nowMs)],
      ['Backups checked', checkText(server.backup, nowMs)],
      ['Services', server.services.length > 0 ? server.services.join(', ') : 'none'],
    ]),
    ...server.members.flatMap((member) => memberLines(member, nowMs)),
  ]
}

function externalLines(server: ServerView, external: External, nowMs: number): string[] {
  const { user, database, at, version, hosts } = external
  const [attendant] = server.members
  const seen = attendant && attendant.lastContactAt !== null ? `, ${formatAge(attendant.lastContactAt, nowMs)}` : ''
  return [
    ...pairLines([
      ['Server', server.name],
      ['External in', server.region],
      ['Database', `${database} as ${user}, ${TLS_TEXTS[external.tls]}`],
      ['Takes writes', at === null ? 'nobody now' : `${at}${version === null ? '' : `, PostgreSQL ${version}`}`],
      ['State', attendant?.state ?? 'unknown'],
      ['Problem', attendant?.problem ?? null],
      ['Looked after by', attendant ? `${attendant.machine}${seen}` : 'nobody'],
      ['Protection', 'its owner’s'],
      ['Standbys', standbyText(external)],
      ['Data', attendant?.dataBytes == null ? null : formatBytes(attendant.dataBytes)],
      ['Operation', server.operation],
      ['Services', server.services.length > 0 ? server.services.join(', ') : 'none'],
    ]),
    ...hosts.map(({ place, state, problem }) => `${place} is ${problem ?? state.replace('_', '-')}`),
  ]
}

const TLS_TEXTS: Record<External['tls'], string> = {
  disable: 'not encrypted',
  require: 'encrypted',
  'verify-full': 'encrypted, its certificate checked',
}

function standbyText({ standbys }: External): string {
  if (standbys === null) return 'not to be seen by its role'
  if (standbys.length === 0) return 'none to be seen'
  const lag = (bytes: number, ms: number | null) =>
    `${formatBytes(bytes)}${ms === null ? '' : `, ${formatMs(ms)}`} behind`
  return standbys.map(({ name, lagBytes, lagMs }) => `${name}: ${lag(lagBytes, lagMs)}`).join('; ')
}

function backupText(backup: ServerView['backup'], nowMs: number): string | null {
  if (!backup) return null
  if (backup.problem !== null) return `${backup.vault}: ${backup.problem}`
  const { takenBytes, restorableFrom: from, restorableTo: to } = backup
  if (from !== null && to !== null) return `any moment from ${from} to ${formatAge(to, nowMs)}, in ${backup.vault}`
  return takenBytes === null ? `none yet in ${backup.vault}` : `the first is being taken: ${formatBytes(takenBytes)}`
}

function checkText(backup: ServerView['backup'], nowMs: number): string | null {
  if (!backup) return null
  if (backup.checkedAt === null) return 'never yet'
  return `${formatAge(backup.checkedAt, nowMs)}: ${backup.checkProblem ?? 'all whole'}`
}

// What was asked for, and whether it is in force.
function protectionText({ protection, isProtected, syncPolicy }: ServerView): string {
  const asked = syncPolicy === null ? protection : `${protection}, ${syncPolicy}`
  return protection === 'none' || isProtected ? asked : `${asked}; not in force now`
}

function memberLines(member: Member, nowMs: number): string[] {
  const { quarantine } = member
  const pairs: [string, string | null][] = [
    ['state', member.state],
    ['standing', member.standing],
    ['problem', member.problem],
    ['machine', member.machine],
    ['epoch', String(member.epoch)],
    ['lsn', member.lsn],
    ['lag', lagText(member) === '' ? null : lagText(member)],
    ['lease', member.lease],
    ['last contact', member.lastContactAt === null ? null : formatAge(member.lastContactAt, nowMs)],
    ['data', member.dataBytes === null ? null : formatBytes(member.dataBytes)],
    ['disk', member.disk && `${formatBytes(member.disk.freeBytes)} left of ${formatBytes(member.disk.totalBytes)}`],
  ]
  if (quarantine) {
    pairs.push(
      ['kept', `${formatBytes(quarantine.keptBytes)} in ${quarantine.folder}`],
      ['only here', `from LSN ${quarantine.forkLsn ?? 'unknown'} to ${quarantine.endLsn ?? 'unknown'}`],
    )
  }
  return [`${member.role} in ${member.region}`, ...pairLines(pairs).map((line) => `  ${line}`)]
}

/** Bytes, time and transactions that a copy is behind; empty for one that follows nobody. */
export function lagText(member: Pick<Member, 'lagBytes' | 'lagMs' | 'lagTransactions'>): string {
  const parts: string[] = []
  if (member.lagBytes !== null) parts.push(formatBytes(member.lagBytes))
  if (member.lagMs !== null) parts.push(formatMs(member.lagMs))
  if (member.lagTransactions) parts.push(`${member.lagTransactions} transaction(s)`)
  return parts.join(', ')
}
