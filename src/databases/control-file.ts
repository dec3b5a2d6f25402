// What global/pg_control says of a data folder: whether PostgreSQL was stopped cleanly, and where its WAL ends.
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNotFound } from '../kit/files.ts'
import { formatLsn } from './replication.ts'

// src/include/catalog/pg_control.h of PostgreSQL 13 to 18: system identifier 8, versions 4 + 4, state 4, padding 4,
// time 8, position of the last checkpoint 8, and a copy of that checkpoint, which begins with its redo position 8 and
// its timeline 4.
const STATE_OFFSET = 16
const CHECKPOINT_OFFSET = 32
const REDO_OFFSET = 40
const TIMELINE_OFFSET = 48
const DB_SHUTDOWNED = 1

// src/include/access/xlog_internal.h: pages of 8 kB, each with a header, the first of a segment with a longer one.
const PAGE_BYTES = 8_192n
const SEGMENT_BYTES = 16n * 1_048_576n
const SEGMENTS_PER_ID = 0x1_0000_0000n / SEGMENT_BYTES
const PAGE_HEADER_BYTES = 24n
const SEGMENT_HEADER_BYTES = 40n

/**
 * The end of the WAL of a primary that was stopped cleanly: the end of its shutdown checkpoint, as `0/3A21F60`. A standby
 * that has all up to there lacks nothing. Null for one that was not stopped so, or whose files cannot be read.
 */
export async function findShutdownLsn(dataFolder: string): Promise<string | null> {
  try {
    const control = await readFile(join(dataFolder, 'global', 'pg_control'))
    if (control.readUInt32LE(STATE_OFFSET) !== DB_SHUTDOWNED) return null
    const checkpoint = control.readBigUInt64LE(CHECKPOINT_OFFSET)
    // A checkpoint at a shutdown begins where it lies; that of a running server does not.
    if (control.readBigUInt64LE(REDO_OFFSET) !== checkpoint) return null
    const bytes = await readRecordLength(dataFolder, control.readUInt32LE(TIMELINE_OFFSET), checkpoint)
    return formatLsn(recordEnd(checkpoint, bytes))
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** Where a WAL record ends that begins at `start` and has that many bytes: page headers lie between, and it is padded. */
export function recordEnd(start: bigint, bytes: number): bigint {
  let at = start
  let left = BigInt(bytes)
  for (;;) {
    const pageLeft = PAGE_BYTES - (at % PAGE_BYTES)
    if (left <= pageLeft) {
      at += left
      break
    }
    left -= pageLeft
    at += pageLeft
    at += at % SEGMENT_BYTES === 0n ? SEGMENT_HEADER_BYTES : PAGE_HEADER_BYTES
  }
  // The next record begins at a multiple of 8.
  return (at + 7n) & ~7n
}

// A record begins with its length.
async function readRecordLength(dataFolder: string, timeline: number, at: bigint): Promise<number> {
  const segment = at / SEGMENT_BYTES
  const parts = [BigInt(timeline), segment / SEGMENTS_PER_ID, segment % SEGMENTS_PER_ID]
  const name = parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')
  const file = await open(join(dataFolder, 'pg_wal', name), 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, Number(at % SEGMENT_BYTES))
    return buffer.readUInt32LE(0)
  } finally {
    await file.close()
  }
}
