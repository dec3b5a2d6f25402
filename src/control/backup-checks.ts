// Backups prove themselves on a schedule: one server after the other is restored into a scratch server and looked at.
import { SCHEDULE } from '../accounts/caller.ts'
import { type BackupDeps, beginVerify } from '../databases/backup-operations.ts'
import { listServers, primaryOf } from '../databases/servers.ts'
import { BACKUP_CHECK_EVERY_MS, BACKUP_CHECK_FIRST_MS } from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Db } from './database.ts'

/** A server that is backed up: since when moments of it can be restored, and when that was tried last. */
export type CheckedServer = { server: string; restorableFrom: string | null; checkedAt: Date | null }

/** The last check of each server's backups that ended: `problem` is null where all was whole. */
export type BackupCheck = { server: string; at: Date; problem: string | null }

/** The one whose turn it is: due, and longest without a check. Null: nobody's. */
export function nextCheck(servers: CheckedServer[], nowMs: number): string | null {
  const dueSince = ({ restorableFrom, checkedAt }: CheckedServer): number => {
    if (checkedAt !== null) return checkedAt.getTime() + BACKUP_CHECK_EVERY_MS
    return restorableFrom === null ? Number.POSITIVE_INFINITY : Date.parse(restorableFrom) + BACKUP_CHECK_FIRST_MS
  }
  const due = servers.filter((one) => one.restorableFrom !== null && dueSince(one) <= nowMs)
  due.sort((left, right) => dueSince(left) - dueSince(right))
  return due[0]?.server ?? null
}

/** Begins the check that is due, if there is one and none is under way. */
export async function beginDueCheck(deps: { db: Db; board: FactBoard; backups: BackupDeps }): Promise<void> {
  const { db, board } = deps
  const running = db.selectFrom('operations').select('id').where('kind', '=', 'verify_backups')
  if (await running.where('state', '=', 'running').executeTakeFirst()) return
  const checks = await listBackupChecks(db)
  const servers = (await listServers(db)).map((server): CheckedServer => {
    const facts = board.host(primaryOf(server).machine)?.servers.find(({ name }) => name === server.name)
    const checkedAt = checks.find((check) => check.server === server.name)?.at ?? null
    return { server: server.name, restorableFrom: facts?.backup?.restorableFrom ?? null, checkedAt }
  })
  const server = nextCheck(servers, Date.now())
  if (server === null) return
  await beginVerify({ ...deps.backups, db }, SCHEDULE, { server, isRestored: true })
}

/** The newest check by a restore of each server that ended. */
export async function listBackupChecks(db: Db): Promise<BackupCheck[]> {
  const rows = await db
    .selectFrom('operations')
    .select(['server', 'state', 'error', 'input', 'finished_at'])
    .distinctOn('server')
    .where('kind', '=', 'verify_backups')
    .where('state', 'in', ['succeeded', 'failed'])
    .where('finished_at', 'is not', null)
    .orderBy('server')
    .orderBy('started_at', 'desc')
    .execute()
  return rows.flatMap(({ server, state, error, finished_at: at }) =>
    server === null || at === null
      ? []
      : [{ server, at, problem: state === 'failed' ? (error?.message ?? state) : null }],
  )
}
