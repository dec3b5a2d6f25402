// The archive of a base backup as it comes: each file is hashed, and written where it belongs if it is wanted.
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { extract, type Header } from 'tar-stream'
import { isNotFound } from '../kit/files.ts'
import type { WriteChunk } from './base-backup-stream.ts'

export type ArchivedFile = { bytes: number; sha256: string }

type Manifest = {
  Files: { Path?: string; 'Encoded-Path'?: string; Size: number; 'Checksum-Algorithm'?: string; Checksum?: string }[]
  'WAL-Ranges': { Timeline: number; 'Start-LSN': string; 'End-LSN': string }[]
}

export type ArchiveReader = {
  write: WriteChunk
  /** Says that nothing more comes. */
  end: () => void
  /** Settles when all is written, or with the first error. */
  finished: Promise<void>
  /** What came, by path. */
  files: Map<string, ArchivedFile>
}

/**
 * Reads an archive into `folder`; with null into nowhere, only to hash it. `isHashed` false: what was checked already is
 * not hashed once more, and `files` tells no sums.
 */
export function readArchive(folder: string | null, { isHashed = true } = {}): ArchiveReader {
  const files = new Map<string, ArchivedFile>()
  const tar = extract()
  const writes = openSmallWrites()
  let draining: Promise<void> | null = null
  const finished = (async () => {
    try {
      for await (const entry of tar) {
        const file = await takeEntry(folder, entry.header, { content: entry, writes, isHashed })
        if (file) files.set(entry.header.name, file)
      }
    } finally {
      // When this has ended, nothing is written there any more.
      await writes.end()
    }
  })()
  // Whoever awaits `finished` sees the error; until then it must not count as unhandled.
  finished.catch(() => {})
  return {
    files,
    finished,
    write: (chunk) => {
      if (tar.write(chunk)) return null
      // Who does not take any more because it failed never drains.
      draining ??= Promise.race([new Promise<void>((resolve) => tar.once('drain', resolve)), finished]).finally(() => {
        draining = null
      })
      return draining
    },
    end: () => {
      tar.end(undefined)
    },
  }
}

/** The first file that is not as PostgreSQL's manifest says, or null. WAL in the archive has checksums of its own. */
export function findMismatch(manifestText: string, files: ReadonlyMap<string, ArchivedFile>): string | null {
  const manifest = JSON.parse(manifestText) as Manifest
  for (const listed of manifest.Files) {
    const path = listed.Path ?? Buffer.from(listed['Encoded-Path'] ?? '', 'hex').toString('utf8')
    const found = files.get(path)
    if (found?.bytes !== listed.Size || found.sha256 !== listed.Checksum) return path
  }
  return null
}

/** The WAL that a backup needs to be whole. A backup is taken on one timeline. */
export function readWalRange(manifestText: string): { timeline: number; startLsn: string; endLsn: string } {
  const range = (JSON.parse(manifestText) as Manifest)['WAL-Ranges'].at(-1)
  if (!range) throw new TypeError('a manifest names the WAL of its backup')
  return { timeline: range.Timeline, startLsn: range['Start-LSN'], endLsn: range['End-LSN'] }
}

async function takeEntry(
  folder: string | null,
  header: Header,
  { content, writes, isHashed }: { content: AsyncIterable<unknown>; writes: SmallWrites; isHashed: boolean },
): Promise<ArchivedFile | null> {
  if (header.type === 'directory') {
    if (folder !== null) await mkdir(join(folder, header.name), { recursive: true, mode: 0o700 })
    for await (const _ of content);
    return null
  }
  const hash = createHash('sha256')
  let bytes = 0
  const hashed = async function* () {
    for await (const chunk of content) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('an archive gives buffers')
      if (isHashed) hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  if (folder === null) for await (const _ of hashed());
  else if ((header.size ?? 0) > SMALL_FILE_BYTES) await writeLarge(join(folder, header.name), hashed)
  else await writes.add(join(folder, header.name), await collect(hashed()))
  return { bytes, sha256: isHashed ? hash.digest('hex') : '' }
}

// A cluster has a thousand files of a few pages: one after the other, each through a stream, they would take most of
// the time of a small backup.
const SMALL_FILE_BYTES = 262_144
const SMALL_WRITES_MAX = 16
const SYNC_EVERY_BYTES = 16 * 1_048_576

type SmallWrites = { add: (path: string, content: Buffer) => Promise<void>; end: () => Promise<void> }

function openSmallWrites(): SmallWrites {
  const underWay = new Set<Promise<void>>()
  let failure: { error: unknown } | null = null
  const check = () => {
    if (failure !== null) throw failure.error
  }
  return {
    async add(path, content) {
      if (underWay.size >= SMALL_WRITES_MAX) await Promise.race(underWay)
      check()
      const write = writeSmall(path, content)
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => underWay.delete(write))
      underWay.add(write)
    },
    async end() {
      await Promise.all(underWay)
      check()
    },
  }
}

async function writeSmall(path: string, content: Buffer): Promise<void> {
  const write = async () => await writeFile(path, content, { mode: 0o600 })
  await write().catch(async (error: unknown) => {
    if (!isNotFound(error)) throw error
    // Its folder mostly comes before it.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await write()
  })
}

async function collect(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function writeLarge(path: string, content: () => AsyncIterable<Buffer>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(syncing(file, content()))
  } finally {
    await file.close()
  }
}

// The disk writes while the next piece is unpacked; else all of it would be left for the end. Each sync is awaited: an
// error of the disk is told once only, and whoever syncs the file later would not see it.
async function* syncing(file: FileHandle, content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let bytes = 0
  let underWay = Promise.resolve()
  for await (const chunk of content) {
    yield chunk
    bytes += chunk.length
    if (bytes < SYNC_EVERY_BYTES) continue
    bytes = 0
    await underWay
    underWay = file.datasync()
    // Whoever awaits it sees the error; until then it must not count as unhandled.
    underWay.catch(() => {})
  }
  await underWay
}
