// A base backup of a running server into a vault: the archive in sealed parts, then, when its WAL is there, a manifest.
import { findMismatch, readArchive, readWalRange } from '../databases/backup-archive.ts'
import { type Progress, streamBaseBackup } from '../databases/base-backup-stream.ts'
import type { Upstream } from '../databases/cluster-config.ts'
import { parseLsn } from '../databases/replication.ts'
import { identifySystem, readServerVersion, replicationClient } from '../databases/replication-client.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  BACKUP_KB_PER_SECOND_MAX,
  BACKUP_PART_BYTES,
  BACKUP_WAL_LOOK_EVERY_MS,
  BACKUP_WAL_MS_MAX,
} from '../kit/limits.ts'
import { type BackupPart, type BaseManifest, putManifest, requireSameSystem } from './base-manifest.ts'
import { makeBackupId, partKey } from './object-names.ts'
import { openPartWriter } from './part-writer.ts'
import type { ServerVault } from './server-vault.ts'
import { standingOfWal } from './wal-chain.ts'

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
 * parts in memory at most. It ends when the vault also has the WAL that makes the copy whole, which others bring.
 * Whatever fails leaves no backup, and takes its parts away again as far as it can.
 * Faults with `backup.damaged`, `backup.no_wal`, `backup.stopped`, `vault.other_system`, the primary's own error or the
 * vault's.
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
    const range = readWalRange(text)
    await untilWalIsThere(vault, range, options.signal)
    const manifest: BaseManifest = {
      id,
      server: vault.server,
      epoch: options.epoch,
      system,
      postgresVersion,
      ...range,
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
    hasWal: false,
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

type WalRangeOfBackup = ReturnType<typeof readWalRange>

// A copy is of use only with the WAL that was written meanwhile. The primary has just begun a new segment, so that the
// last of it is on its way; but much may be waiting before it.
async function untilWalIsThere(vault: ServerVault, range: WalRangeOfBackup, signal?: AbortSignal): Promise<void> {
  const wanted = { timeline: range.timeline, start: parseLsn(range.startLsn), end: parseLsn(range.endLsn) }
  let last = ''
  let changedAt = performance.now()
  for (;;) {
    const wal = (await vault.list()).flatMap((object) => (object.kind === 'wal' ? [object.piece] : []))
    const standing = standingOfWal(wal, wanted)
    if (standing === 'whole') return
    const listed = wal.map(({ key }) => key).join()
    // One listing is not one moment: it may miss a segment and what it replaced.
    const isLost = standing === 'missing' && listed === last
    if (listed !== last) changedAt = performance.now()
    last = listed
    if (isLost || performance.now() - changedAt > BACKUP_WAL_MS_MAX) throw withoutWal(vault, range)
    await pause(BACKUP_WAL_LOOK_EVERY_MS, signal)
    signal?.throwIfAborted()
  }
}

function withoutWal({ name, server }: ServerVault, { startLsn, endLsn }: WalRangeOfBackup): Fault {
  return new Fault('backup.no_wal', 503, `${name} lacks the WAL of ${server} from ${startLsn} to ${endLsn}`, {
    hint: `Without it the copy is of no use. mainstay sql server show ${server} tells what its WAL waits for.`,
  })
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
