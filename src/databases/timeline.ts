// A timeline and those that it came from: each promotion begins a new one at a position of the old.
import { formatLsn, parseLsn } from './replication.ts'
import { SEGMENT_BYTES } from './wal-files.ts'

/** One line of a history file: the timeline `parent` was left at `fork`. */
export type Fork = { parent: number; fork: bigint }

/**
 * A stretch of the WAL that leads to a timeline's end. `from` and `to` are segment borders: the segment with the fork
 * belongs to the newer timeline, whose copy of it holds the older one's part as well. The last stretch has no end.
 */
export type Stretch = { timeline: number; from: bigint; to: bigint | null; fork: bigint | null }

/** Reads a history file: `1	0/3000148	no recovery target specified`. */
export function parseHistory(text: string): Fork[] {
  return text.split('\n').flatMap((line): Fork[] => {
    const [, parent, lsn] = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line) ?? []
    return parent && lsn ? [{ parent: Number(parent), fork: parseLsn(lsn) }] : []
  })
}

/** A history file that says the same; PostgreSQL reads nothing else of it. */
export function writeHistory(history: Fork[]): string {
  return history.map(({ parent, fork }) => `${parent}\t${formatLsn(fork)}\tas the vault has it\n`).join('')
}

/** With the histories of those timelines that are named on the way to another. */
export function deriveHistories(histories: ReadonlyMap<number, Fork[]>): Map<number, Fork[]> {
  const derived = new Map(histories)
  for (const history of histories.values()) {
    for (const [index, { parent }] of history.entries()) {
      if (index > 0 && !derived.has(parent)) derived.set(parent, history.slice(0, index))
    }
  }
  return derived
}

/** The stretches that lead to the end of `timeline`, oldest first. */
export function lineageOf(timeline: number, history: Fork[]): Stretch[] {
  let from = 0n
  const stretches = history.map(({ parent, fork }): Stretch => {
    const stretch = { timeline: parent, from, to: segmentStart(fork), fork }
    from = segmentStart(fork)
    return stretch
  })
  return [...stretches, { timeline, from, to: null, fork: null }]
}

/** Where the segment with this position begins. */
export function segmentStart(position: bigint): bigint {
  return position - (position % BigInt(SEGMENT_BYTES))
}

/** The name of the WAL file with this position, as PostgreSQL has it. */
export function walFileName(timeline: number, position: bigint): string {
  const inId = BigInt(0x1_0000_0000 / SEGMENT_BYTES)
  const number = position / BigInt(SEGMENT_BYTES)
  return [BigInt(timeline), number / inId, number % inId].map((part) => hex(part)).join('')
}

/** The name of a timeline's history file, as PostgreSQL has it. */
export function historyFileName(timeline: number): string {
  return `${hex(BigInt(timeline))}.history`
}

function hex(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0')
}
