// Takes all that a vault holds of a server that ended, once nobody can want it back.
import { Fault } from '../kit/fault.ts'
import { ENDED_BACKUPS_QUIET_MS } from '../kit/limits.ts'
import { type NamedObject, timeOfBackup } from './object-names.ts'
import { eachOf } from './read-catalogue.ts'
import type { ServerVault } from './server-vault.ts'

/**
 * Removes them and tells how many there were; what is nothing of ours stays. Calling it again goes on where it stopped.
 * Faults with `vault.in_use` while something there is of the last days: a living server of that name writes it, maybe
 * that of another cloud, or what is here is not what ended.
 */
export async function removeEnded(vault: ServerVault, { now = new Date() } = {}): Promise<number> {
  const objects = (await vault.list()).filter(({ kind }) => kind !== 'strange')
  const fresh = objects.find((object) => now.getTime() - newestOf(object) < ENDED_BACKUPS_QUIET_MS)
  if (fresh) {
    throw new Fault('vault.in_use', 409, `${fresh.key} in ${vault.name} is of the last days: it is not removed`, {
      hint: `See whose it is: mainstay sql backup list ${vault.server}`,
    })
  }
  // Without its manifest a backup is none: from here on nobody restores from what is about to go.
  const manifests = objects.filter(({ kind }) => kind === 'manifest')
  const rest = objects.filter(({ kind }) => kind !== 'manifest')
  for (const some of [manifests, rest]) await eachOf(some, async ({ key }) => await vault.remove(key))
  return objects.length
}

function newestOf(object: NamedObject): number {
  if (object.kind === 'wal') return object.piece.to.getTime()
  if (object.kind === 'manifest' || object.kind === 'part') return timeOfBackup(object.backup).getTime()
  return 0
}
