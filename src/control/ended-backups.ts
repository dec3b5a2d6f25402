// What a server left in the vault outlives it by a month: long enough to notice that it was deleted by mistake.

import { audit } from '../accounts/audit.ts'
import { SCHEDULE } from '../accounts/caller.ts'
import { askVault, findVaultHost, type VaultDeps } from '../databases/vault-calls.ts'
import { ENDED_BACKUPS_KEEP_MS } from '../kit/limits.ts'
import type { Db } from './database.ts'

export type EndedBackupsDeps = { db: Db; backups: VaultDeps; onError: (error: unknown) => void }

/** Has the backups of servers that ended long ago removed; tells whose. Where a host refuses, the next call tries. */
export async function removeEndedBackups(deps: EndedBackupsDeps, now = new Date()): Promise<string[]> {
  const { db, backups, onError } = deps
  if (backups.hosts().every(({ vault }) => typeof vault !== 'string')) return []
  const due = await db
    .selectFrom('servers')
    .select('name')
    .where('kind', '=', 'managed')
    .where('backups_removed_at', 'is', null)
    .where('ended_at', '<', new Date(now.getTime() - ENDED_BACKUPS_KEEP_MS))
    .orderBy('ended_at')
    .execute()
  const done: string[] = []
  for (const { name } of due) {
    try {
      await removeOf(deps, name, now)
      done.push(name)
    } catch (error) {
      onError(error)
    }
  }
  return done
}

async function removeOf({ db, backups }: EndedBackupsDeps, name: string, now: Date): Promise<void> {
  const machine = findVaultHost(backups, null)
  const { removed } = await askVault<{ removed: number }>(backups, machine, { path: `/vault/${name}/remove`, body: {} })
  await db.transaction().execute(async (trx) => {
    const noted = trx.updateTable('servers').set({ backups_removed_at: now }).where('name', '=', name)
    await noted.where('ended_at', 'is not', null).execute()
    await audit(trx, SCHEDULE, { action: 'remove backups', subject: name, before: { objects: removed } })
  })
}
