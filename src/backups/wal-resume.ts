// Decides where a receiver goes on: from what the vault holds of the primary's past, without a gap if there is any way.
import type { Stretch } from '../databases/timeline.ts'
import { segmentStart } from '../databases/timeline.ts'
import type { WalPiece } from './object-names.ts'

export type Resume = {
  timeline: number
  /** Begin of the segment to stream from: it is read again as a whole, to be stored as one object when it is full. */
  start: bigint
  /** Up to here the vault has it. */
  stored: bigint
  /** The piece that ends there; null where nothing of this stretch is stored. */
  last: WalPiece | null
}

/**
 * `lineage` is the primary's, oldest first; `pieces` what the vault holds of its timelines; `slotStart` where the slot
 * holds WAL from, for a vault that holds nothing.
 */
export function decideResume(lineage: Stretch[], pieces: WalPiece[], slotStart: bigint): Resume {
  for (let at = lineage.length - 1; at >= 0; at--) {
    const stretch = lineage[at]
    if (!stretch) break
    const last = lastWithin(stretch, pieces)
    if (last === null) continue
    if (stretch.to === null || last.end < stretch.to) {
      return { timeline: stretch.timeline, start: segmentStart(last.end), stored: last.end, last }
    }
    return beginningOf(lineage.slice(at + 1))
  }
  const newest = lineage.slice(-1)
  return newest[0] && slotStart > newest[0].from ? startAt(newest[0].timeline, slotStart) : beginningOf(newest)
}

/** Where a receiver begins anew that cannot have what follows on the vault's last: there is a gap before it. */
export function resumeAfterGap(lineage: Stretch[], slotStart: bigint): Resume {
  return decideResume(lineage.slice(-1), [], slotStart)
}

// Two forks may lie in one segment: then the older of the two has no segment of its own.
function beginningOf(stretches: Stretch[]): Resume {
  const stretch = stretches.find(({ from, to }) => to === null || to > from)
  if (!stretch) throw new TypeError('the last stretch of a lineage has no end')
  return startAt(stretch.timeline, stretch.from)
}

function startAt(timeline: number, position: bigint): Resume {
  const start = segmentStart(position)
  return { timeline, start, stored: start, last: null }
}

function lastWithin({ timeline, from, to }: Stretch, pieces: WalPiece[]): WalPiece | null {
  let last: WalPiece | null = null
  for (const piece of pieces) {
    const isWithin = piece.timeline === timeline && piece.end > from && (to === null || piece.start < to)
    if (isWithin && (last === null || piece.end > last.end)) last = piece
  }
  return last
}
