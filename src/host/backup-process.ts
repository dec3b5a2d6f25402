// A base backup in a process of its own, with less right to the processors: packing and hashing a whole database in the
// host would hold up every request that passes through it.
import type { ChildProcess } from 'node:child_process'
import type { BackupDone, BackupOrder, BackupWord } from '../backups/worker-channel.ts'
import { Fault } from '../kit/fault.ts'
import { startRole } from '../kit/launcher.ts'
import { BACKUP_NICE } from '../kit/limits.ts'
import { giveWay } from '../kit/processes.ts'

export type BackupListeners = {
  onStart: (id: string) => void
  onProgress: (bytes: number) => void
  signal: AbortSignal
}

/** Takes a base backup, and then removes what has expired. Faults as `takeBackup`. */
export async function takeBackupApart(order: BackupOrder, listeners: BackupListeners): Promise<BackupDone> {
  // A session of its own, so that it can give way; it ends when its host does.
  const child = startRole(['backups'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true })
  if (child.pid !== undefined) giveWay(child.pid, BACKUP_NICE)
  // It takes its parts away, and ends.
  const stop = () => child.connected && child.disconnect()
  listeners.signal.addEventListener('abort', stop, { once: true })
  try {
    child.send(order)
    return await wordOf(child, listeners)
  } finally {
    listeners.signal.removeEventListener('abort', stop)
    stop()
  }
}

async function wordOf(child: ChildProcess, { onStart, onProgress, signal }: BackupListeners): Promise<BackupDone> {
  return await new Promise<BackupDone>((resolve, reject) => {
    child.on('message', (word: BackupWord) => {
      if (word.kind === 'started') onStart(word.id)
      if (word.kind === 'progress') onProgress(word.bytes)
      if (word.kind === 'done') resolve(word)
      if (word.kind === 'failed') {
        const hint = word.hint === null ? {} : { hint: word.hint }
        reject(new Fault(word.code, 500, word.message, hint))
      }
    })
    child.on('error', reject)
    child.on('exit', (code, by) => {
      const message = signal.aborted
        ? 'the backup was stopped before it was whole'
        : `its process ended (${by ?? code})`
      reject(new Fault(signal.aborted ? 'backup.stopped' : 'backup.failed', 503, message))
    })
  })
}
