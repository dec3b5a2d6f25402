// Reading positions from files of a server that does not run: the end of its WAL, and where a timeline forked.
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isNotFound, readTextIfAny } from '../kit/files.ts'
import { formatLsn } from './replication.ts'

const PAGE_BYTES = 8_192
/** Bytes of one WAL file; what initdb makes unless told otherwise. */
export const SEGMENT_BYTES = 16 * 1_048_576
const SEGMENTS_PER_ID = 0x1_0000_0000 / SEGMENT_BYTES
// Page header (src/include/access/xlog_internal.h): magic 2, info 2, timeline 4, page address 8.
const TIMELINE_OFFSET = 4
const ADDRESS_OFFSET = 8

/** The end of the last WAL page that was written, to the page (8 kB); null when there is none. */
export async function findWalEnd(dataFolder: string): Promise<string | null> {
  const folder = join(dataFolder, 'pg_wal')
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort()
  // Files after the current one are old ones kept for later use: their pages carry addresses of long ago.
  for (const name of names.reverse()) {
    const end = await endOfSegment(join(folder, name), name)
    if (end !== null) return formatLsn(end)
  }
  return null
}

/** Where the newest timeline of a promoted server left the one before it; null for a server never promoted. */
export async function findForkLsn(dataFolder: string, timeline: number): Promise<string | null> {
  const name = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`
  const text = await readTextIfAny(join(dataFolder, 'pg_wal', name))
  const last = text?.trim().split('\n').at(-1)
  return last?.split(/\s+/)[1] ?? null
}

async function endOfSegment(path: string, name: string): Promise<bigint | null> {
  const timeline = Number.parseInt(name.slice(0, 8), 16)
  const number =
    BigInt(Number.parseInt(name.slice(8, 16), 16)) * BigInt(SEGMENTS_PER_ID) +
    BigInt(Number.parseInt(name.slice(16), 16))
  const start = number * BigInt(SEGMENT_BYTES)
  try {
    const file = await open(path, 'r')
    try {
      const header = Buffer.alloc(16)
      let end: bigint | null = null
      for (let offset = 0; offset < SEGMENT_BYTES; offset += PAGE_BYTES) {
        await file.read(header, 0, 16, offset)
        const isWritten =
          header.readUInt32LE(TIMELINE_OFFSET) === timeline &&
          header.readBigUInt64LE(ADDRESS_OFFSET) === start + BigInt(offset)
        if (!isWritten) break
        end = start + BigInt(offset + PAGE_BYTES)
      }
      return end
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}
