// Takes expired backups out of the vault in an order that leaves every other one whole at any moment.
import { BACKUP_UNFINISHED_MS } from '../kit/limits.ts'
import { manifestKey } from './object-names.ts'
import { eachOf, readCatalogueFacts } from './read-catalogue.ts'
import { chooseAbandoned, chooseExpired } from './retention.ts'
import type { ServerVault } from './server-vault.ts'

export type RemovalReport = {
  /** Ids of the backups that went. */
  backups: string[]
  walPieces: number
  /** Parts that backups left which were stopped. */
  abandonedParts: number
}

/** Removes the parts of a backup whose process ended before it had a manifest; of one that has, nothing. */
export async function removeUnfinished(vault: ServerVault, id: string): Promise<void> {
  const own = (await vault.list()).flatMap((object) => ('backup' in object && object.backup === id ? [object] : []))
  if (own.some(({ kind }) => kind === 'manifest')) return
  await eachOf(own, async ({ key }) => await vault.remove(key))
}

/**
 * Keeps what is needed for every moment of the last `days`, and what a backup under way has written so far.
 * Faults with `vault.wrong_key` or the vault's own; calling it again goes on where it stopped.
 */
export async function removeExpired(vault: ServerVault, options: { days: number; now?: Date }): Promise<RemovalReport> {
  const now = options.now ?? new Date()
  const expired = chooseExpired(await readCatalogueFacts(vault), { now, days: options.days })
  // Without its manifest a backup is none: from here on nobody restores from what is about to go.
  for (const { id } of expired.backups) await vault.remove(manifestKey(vault.server, id))
  const parts = expired.backups.flatMap((manifest) => manifest.parts.map(({ key }) => key))
  await eachOf(parts, async (key) => await vault.remove(key))
  // Oldest first, so that what remains when this is cut short has no hole.
  for (const { key } of expired.wal) await vault.remove(key)
  const abandoned = chooseAbandoned(await vault.list(), now)
  await eachOf(abandoned, async (key) => await vault.remove(key))
  await vault.sweep(new Date(now.getTime() - BACKUP_UNFINISHED_MS))
  return {
    backups: expired.backups.map(({ id }) => id),
    walPieces: expired.wal.length,
    abandonedParts: abandoned.length,
  }
}
