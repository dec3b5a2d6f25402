// What a backup can be restored to: WAL in the vault that follows on it without a gap, from timeline to timeline.
import type { Fork } from '../databases/timeline.ts'
import { lineageOf, type Stretch, segmentStart } from '../databases/timeline.ts'
import type { WalPiece } from './object-names.ts'

/** All that is in the vault without a gap between `start` and `end`. */
export type WalRange = { timeline: number; start: bigint; end: bigint; from: Date; to: Date }

/** Timelines in the vault with their histories; the first has none. */
export type Histories = ReadonlyMap<number, Fork[]>

/** The pieces that follow on one another from a place, towards the end of a timeline. */
export type Chain = {
  /** Whose end it leads to. */
  timeline: number
  pieces: WalPiece[]
  end: bigint
  /** When the primary sent the last of it; null for a chain without WAL. */
  to: Date | null
  /** True when it reaches the timeline itself, false when it breaks off on the way there. */
  isWhole: boolean
  /** Where it ends, whole or not: on this stretch of the way. */
  stretch: Stretch
}

/** Pieces of one timeline, by position; one that another holds too may be among them. */
export function sortPieces(pieces: WalPiece[]): Map<number, WalPiece[]> {
  const sorted = new Map<number, WalPiece[]>()
  for (const piece of pieces.toSorted((left, right) => compare(left.start, right.start))) {
    const others = sorted.get(piece.timeline)
    if (others) others.push(piece)
    else sorted.set(piece.timeline, [piece])
  }
  return sorted
}

/** The stretches of each timeline without a gap, by timeline and position. */
export function joinRanges(pieces: WalPiece[]): WalRange[] {
  const ranges: WalRange[] = []
  for (const [timeline, sorted] of [...sortPieces(pieces)].sort(([left], [right]) => left - right)) {
    let current: WalRange | null = null
    for (const { start, end, to } of sorted) {
      if (current === null || start > current.end) {
        current = { timeline, start, end, from: to, to }
        ranges.push(current)
      } else if (end > current.end) Object.assign(current, { end, to })
    }
  }
  return ranges
}

/** Follows the WAL from a position on one timeline towards the end of `timeline`, as far as there is no gap. */
export function followChain(
  from: { timeline: number; position: bigint },
  timeline: number,
  facts: { pieces: ReadonlyMap<number, WalPiece[]>; histories: Histories },
): Chain {
  const lineage = lineageOf(timeline, facts.histories.get(timeline) ?? [])
  const taken: WalPiece[] = []
  let position = segmentStart(from.position)
  const way = lineage.slice(lineage.findIndex((one) => one.timeline === from.timeline))
  for (const stretch of way) {
    if (position < stretch.from) position = stretch.from
    position = takeStretch(position, stretch, facts.pieces.get(stretch.timeline) ?? [], taken)
    const isLast = stretch === way.at(-1)
    if (!isLast && stretch.to !== null && position >= stretch.to) continue
    // Short of the fork, what is there of the newer timeline is only the older one's part of that segment.
    const fork = isLast ? way.at(-2)?.fork : null
    const isWhole = isLast && (fork == null || (taken.at(-1)?.timeline === timeline && position >= fork))
    return { timeline, pieces: taken, end: position, to: taken.at(-1)?.to ?? null, isWhole, stretch }
  }
  throw new TypeError(`timeline ${from.timeline} does not lead to ${timeline}`)
}

/**
 * Whether there is WAL from one position to another of one timeline. Without it, `missing` says that there is WAL behind
 * it, so that it will not come any more.
 */
export function standingOfWal(
  pieces: WalPiece[],
  wanted: { timeline: number; start: bigint; end: bigint },
): 'whole' | 'coming' | 'missing' {
  const own = pieces.filter(({ timeline }) => timeline === wanted.timeline)
  const from = { timeline: wanted.timeline, position: wanted.start }
  const { end } = followChain(from, wanted.timeline, { pieces: sortPieces(own), histories: new Map() })
  if (end >= wanted.end) return 'whole'
  return own.some(({ start }) => start > end) ? 'missing' : 'coming'
}

/**
 * The timelines that a backup on `timeline`, whole at `end`, can be rolled forward to, itself first. One that was left
 * before that position cannot have it.
 */
export function timelinesAfter(timeline: number, end: bigint, histories: Histories): number[] {
  const later = [...histories].filter(([, history]) =>
    history.some(({ parent, fork }) => parent === timeline && fork >= end),
  )
  return [timeline, ...later.map(([child]) => child).sort((left, right) => left - right)]
}

// Takes what follows on `position`; where pieces overlap, the one that leads furthest.
function takeStretch(start: bigint, stretch: Stretch, pieces: WalPiece[], taken: WalPiece[]): bigint {
  let position = start
  let best: WalPiece | null = null
  for (const piece of pieces) {
    if (stretch.to !== null && position >= stretch.to) break
    if (piece.start > position && best !== null) {
      taken.push(best)
      position = best.end
      best = null
      if (stretch.to !== null && position >= stretch.to) break
    }
    if (piece.start > position) break
    if (piece.end > position && (best === null || piece.end > best.end)) best = piece
  }
  if (best !== null && (stretch.to === null || position < stretch.to)) {
    taken.push(best)
    position = best.end
  }
  return position
}

function compare(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}
