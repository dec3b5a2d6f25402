// Brings what a plan names from the vault into a data folder and a folder of WAL files, checking each object.
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readArchive } from '../databases/backup-archive.ts'
import { parseLsn } from '../databases/replication.ts'
import { type Fork, historyFileName, segmentStart, walFileName, writeHistory } from '../databases/timeline.ts'
import { SEGMENT_BYTES } from '../databases/wal-files.ts'
import { RESTORE_CHUNK_BYTES, RESTORE_PARTS_AHEAD } from '../kit/limits.ts'
import type { BackupPart, BaseManifest } from './base-manifest.ts'
import type { WalPiece } from './object-names.ts'
import { damaged } from './object-problems.ts'
import { eachOf } from './read-catalogue.ts'
import type { ServerVault } from './server-vault.ts'

/** Writes the backup's files into an empty data folder; the next parts are fetched while one is written. */
export async function restoreFiles(
  manifest: BaseManifest,
  dataFolder: string,
  options: { vault: Pick<ServerVault, 'get'>; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  // Each part is what its manifest names: the files in it were hashed when it was made.
  const archive = readArchive(dataFolder, { isHashed: false })
  const fetched: Promise<Buffer>[] = []
  let next = 0
  const fetchAhead = () => {
    const wanted = manifest.parts[next]
    if (!wanted) return
    next += 1
    const part = fetchPart(manifest, wanted, options.vault, { isHashed: false })
    // Awaited only when its turn comes.
    part.catch(() => {})
    fetched.push(part)
  }
  for (let ahead = 0; ahead < RESTORE_PARTS_AHEAD; ahead += 1) fetchAhead()
  try {
    for (;;) {
      const part = fetched.shift()
      if (!part) break
      const content = await part
      fetchAhead()
      for (let at = 0; at < content.length; at += RESTORE_CHUNK_BYTES) {
        options.signal.throwIfAborted()
        await archive.write(content.subarray(at, at + RESTORE_CHUNK_BYTES))
      }
      options.onBytes(content.length)
    }
  } finally {
    archive.end()
    // Nobody else may write here before this has ended. Of the parts ahead only errors can be left.
    await Promise.allSettled([...fetched, archive.finished])
  }
  await archive.finished
}

/** Puts pieces of WAL together to files as PostgreSQL has them; what is not there of a file is zero. */
export async function restoreWal(
  pieces: WalPiece[],
  walFolder: string,
  options: { system: string; vault: ServerVault; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  await mkdir(walFolder, { recursive: true, mode: 0o700 })
  await eachOf(pieces, async (piece) => {
    options.signal.throwIfAborted()
    await writePiece(join(walFolder, walFileName(piece.timeline, piece.start)), piece, await fetchPiece(piece, options))
    options.onBytes(Number(piece.end - piece.start))
  })
}

/** Writes the history files: PostgreSQL follows them, and takes a timeline for the restored server that none names. */
export async function restoreHistories(histories: ReadonlyMap<number, Fork[]>, walFolder: string): Promise<void> {
  await mkdir(walFolder, { recursive: true, mode: 0o700 })
  for (const [timeline, history] of histories) {
    const text = history.length > 0 ? writeHistory(history) : '# where it began is lost\n'
    await writeFile(join(walFolder, historyFileName(timeline)), text)
  }
}

/** A piece of WAL that is what its name says, and of this cluster. Faults with `vault.damaged`. */
export async function fetchPiece(piece: WalPiece, from: { system: string; vault: ServerVault }): Promise<Buffer> {
  const { header, content } = await from.vault.get(piece.key)
  if (header.system !== from.system) throw damaged(piece.key, `it is of another cluster, system ${header.system}`)
  const { timeline, start, end } = header.wal ?? { timeline: 0, start: '0/0', end: '0/0' }
  const isAsNamed = timeline === piece.timeline && parseLsn(start) === piece.start && parseLsn(end) === piece.end
  if (!isAsNamed || BigInt(content.length) !== piece.end - piece.start) {
    throw damaged(piece.key, 'it holds other WAL than its name says')
  }
  return content
}

/** A part that is the one which the manifest means. Faults with `vault.damaged`. `options`: as of `openObject`. */
export async function fetchPart(
  manifest: { system: string },
  part: BackupPart,
  vault: Pick<ServerVault, 'get'>,
  options: { isHashed?: boolean } = {},
): Promise<Buffer> {
  const { header, content } = await vault.get(part.key, options)
  if (header.sha256 !== part.sha256) throw damaged(part.key, 'it is not the one that its manifest names')
  if (header.system !== manifest.system) throw damaged(part.key, `it is of another cluster, system ${header.system}`)
  return content
}

async function writePiece(path: string, piece: WalPiece, content: Buffer): Promise<void> {
  // Opened without being emptied: other pieces of the same file may be there.
  const file = await open(path, 'a').then(async (made) => {
    await made.close()
    return await open(path, 'r+')
  })
  try {
    await file.write(content, 0, content.length, Number(piece.start - segmentStart(piece.start)))
    if ((await file.stat()).size < SEGMENT_BYTES) await file.truncate(SEGMENT_BYTES)
  } finally {
    await file.close()
  }
}
