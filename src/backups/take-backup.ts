// A base backup of a running server into a vault: the archive in sealed parts, then the manifest.
import { findMismatch, readArchive, readWalRange } from '../databases/backup-archive.ts'
import { type Progress, streamBaseBackup } from '../databases/base-backup-stream.ts'
import type { Upstream } from '../databases/cluster-config.ts'
import { identifySystem, readServerVersion, replicationClient } from '../databases/replication-client.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { BACKUP_KB_PER_SECOND_MAX, BACKUP_PART_BYTES } from '../kit/limits.ts'
import { type BackupPart, type BaseManifest, putManifest, requireSameSystem } from './base-manifest.ts'
import { makeBackupId, partKey } from './object-names.ts'
import { openPartWriter } from './part-writer.ts'
import type { ServerVault } from './server-vault.ts'

export type BackupOptions = {
  /** The server's epoch, noted in the manifest. */
  epoch: number
  /** The id of the backup as soon as it has one; until its manifest is there, its parts are nobody's. */
  onStart?: (id: string) => void
  /** Bytes of the archive so far; how many there will be is not known. */
  onProgress?: Progress
  signal?: AbortSignal
}

/**
 * Copies the primary behind `from` into the vault, checking each file against PostgreSQL's own manifest; holds two
 * parts in memory at most. Whatever fails leaves no backup, and takes its parts away again as far as it can.
 * Faults with `backup.damaged`, `backup.stopped`, `vault.other_system`, the primary's own error or the vault's.
 */
export async function takeBackup(vault: ServerVault, from: Upstream, options: BackupOptions): Promise<BaseManifest> {
  if (options.signal?.aborted) throw stopped(options.signal)
  const client = replicationClient(from, 'mainstay_backup')
  await client.connect()
  const startedAt = new Date()
  const id = makeBackupId(startedAt, randomId(2))
  const parts: BackupPart[] = []
  try {
    const { system } = await identifySystem(client)
    await requireSameSystem(vault, await vault.list(), system)
    const postgresVersion = await readServerVersion(client)
    options.onStart?.(id)
    const text = await storeParts({ vault, client, id, system, parts, options })
    const manifest: BaseManifest = {
      id,
      server: vault.server,
      epoch: options.epoch,
      system,
      postgresVersion,
      ...readWalRange(text),
      startedAt: startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      parts,
      plainBytes: sum(parts.map(({ bytes }) => bytes)),
      storedBytes: sum(parts.map(({ storedBytes }) => storedBytes)),
    }
    await putManifest(vault, manifest)
    return manifest
  } catch (error) {
    await removeParts(vault, parts)
    throw options.signal?.aborted ? stopped(options.signal) : error
  } finally {
    // A server that hangs must not keep us: the socket goes with the process's interest in it.
    client.end().catch(() => {})
  }
}

async function storeParts(job: {
  vault: ServerVault
  client: ReturnType<typeof replicationClient>
  id: string
  system: string
  parts: BackupPart[]
  options: BackupOptions
}): Promise<string> {
  const { vault, client, options } = job
  const writer = openPartWriter(BACKUP_PART_BYTES, async (part, number) => {
    const key = partKey(vault.server, job.id, number)
    const stored = await vault.put({ kind: 'part', key, system: job.system }, part)
    job.parts.push({ key, bytes: part.length, ...stored })
  })
  // Read only to be hashed: what does not match the primary's own sums must not become a backup.
  const archive = readArchive(null)
  const write = (chunk: Buffer) => {
    const waits = [writer.write(chunk), archive.write(chunk)].filter((wait) => wait !== null)
    return waits.length === 0 ? null : Promise.all(waits).then(() => {})
  }
  const streamed = streamBaseBackup(client, write, {
    onProgress: options.onProgress ?? (() => {}),
    kilobytesPerSecond: BACKUP_KB_PER_SECOND_MAX,
    ...(options.signal ? { signal: options.signal } : {}),
  })
  const [text] = await Promise.all([streamed.finally(() => archive.end()), archive.finished])
  await writer.end()
  options.signal?.throwIfAborted()
  const mismatch = findMismatch(text, archive.files)
  if (mismatch !== null) {
    throw new Fault('backup.damaged', 500, `the copy of ${mismatch} does not match the primary's manifest`, {
      hint: 'Take the backup again; if it happens again, look at the disk of the primary.',
    })
  }
  return text
}

// Best effort: parts without a manifest are no backup, and are removed with the next expired ones.
async function removeParts(vault: ServerVault, parts: BackupPart[]): Promise<void> {
  for (const { key } of parts) await vault.remove(key).catch(() => {})
}

function stopped(signal: AbortSignal): Fault {
  return new Fault('backup.stopped', 503, 'the backup was stopped before it was whole', { cause: signal.reason })
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, value) => total + value, 0)
}
