// The process that takes one base backup for a host, removes what has expired, and ends; the host tells it what to do.
import { environment } from '../kit/environment.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { BACKUP_TOLD_EVERY_MS } from '../kit/limits.ts'
import { runMain } from '../kit/main.ts'
import { restorableInterval } from './catalogue.ts'
import { readCatalogue } from './read-catalogue.ts'
import { removeExpired } from './remove-expired.ts'
import { openServerVault, type ServerVault } from './server-vault.ts'
import { takeBackup } from './take-backup.ts'
import { parseVault } from './vault-option.ts'
import type { BackupDone, BackupOrder, BackupWord } from './worker-channel.ts'

/** Waits for the order, and carries it out. */
export async function main(args: string[]): Promise<void> {
  await runMain('backups', { args, usage: ['(a host starts it, for each base backup)'] }, run)
}

async function run(): Promise<void> {
  if (!process.connected) {
    throw new Fault('usage.nothing_to_do', 400, 'backups is started by a host', {
      hint: 'To take one: mainstay sql backup create SERVER',
    })
  }
  const aborter = new AbortController()
  // Nobody waits for it any more, or its host is gone.
  process.on('disconnect', () => aborter.abort())
  const order = await new Promise<BackupOrder>((resolve) => process.once('message', resolve))
  await take(order, aborter.signal)
  process.exit()
}

async function take(
  { vault: text, server, key, from, epoch, keepDays }: BackupOrder,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { vaultAccessKeyId: accessKeyId, vaultSecretAccessKey: secretAccessKey } = environment()
    const vault = parseVault(text, { accessKeyId, secretAccessKey })
    if (!vault) throw new Fault('backup.no_vault', 409, 'there is no vault to back up into')
    let toldAt = 0
    const onProgress = (bytes: number) => {
      if (performance.now() - toldAt < BACKUP_TOLD_EVERY_MS) return
      toldAt = performance.now()
      void tell({ kind: 'progress', bytes })
    }
    const onStart = (id: string) => void tell({ kind: 'started', id })
    const own = openServerVault(vault, { server, key: Buffer.from(key, 'base64') })
    const manifest = await takeBackup(own, from, { epoch, onStart, onProgress, signal })
    await tell({ kind: 'done', manifest, ...(await tidy(own, keepDays)) })
  } catch (error) {
    const { code, hint = null } = error instanceof Fault ? error : { code: 'backup.failed' }
    await tell({ kind: 'failed', code, message: messageOf(error), hint: hint ?? null })
  }
}

// The backup is there, whatever becomes of this.
async function tidy(vault: ServerVault, days: number): Promise<Omit<BackupDone, 'manifest'>> {
  try {
    await removeExpired(vault, { days })
    const restorable = restorableInterval(await readCatalogue(vault))
    return { restorableFrom: restorable?.from.toISOString() ?? null, problem: null }
  } catch (error) {
    return { restorableFrom: null, problem: messageOf(error) }
  }
}

async function tell(word: BackupWord): Promise<void> {
  if (!process.connected) return
  await new Promise<void>((resolve) => process.send?.(word, undefined, undefined, () => resolve()))
}
