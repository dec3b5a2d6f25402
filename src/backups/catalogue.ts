// What a vault holds of a server, and what can be restored from it: decided from listed names and manifests alone.

import { formatLsn, parseLsn } from '../databases/replication.ts'
import type { Fork } from '../databases/timeline.ts'
import type { BaseManifest } from './base-manifest.ts'
import type { WalPiece } from './object-names.ts'
import type { ObjectProblem } from './object-problems.ts'
import { type Chain, followChain, joinRanges, sortPieces, timelinesAfter, type WalRange } from './wal-chain.ts'

/** At `at` everything up to `lsn` was in the vault: on a quiet server this is later than the last WAL. */
export type Seen = { timeline: number; lsn: string; at: string }

export type CatalogueFacts = {
  server: string
  manifests: BaseManifest[]
  /** Keys of the parts that are there. */
  parts: ReadonlySet<string>
  wal: WalPiece[]
  histories: ReadonlyMap<number, Fork[]>
  seen: Seen | null
  problems: ObjectProblem[]
}

/** A backup rolled forward on a timeline. */
export type Reach = {
  timeline: number
  chain: Chain
  /** Every moment between the two can be restored. */
  from: Date
  to: Date
}

export type CataloguedBackup = {
  manifest: BaseManifest
  /** Why it cannot be used; null when it can. */
  problem: string | null
  /** Where it leads, its own timeline first; nothing when it cannot be used. */
  reaches: Reach[]
}

/** WAL that a backup would need and that is not in the vault. No end: nothing later on that timeline is there. */
export type WalGap = { timeline: number; start: bigint; end: bigint | null }

export type Catalogue = {
  server: string
  /** Newest first. */
  backups: CataloguedBackup[]
  ranges: WalRange[]
  gaps: WalGap[]
  /** Since when each timeline was the server's. */
  beganAt: ReadonlyMap<number, Date>
  histories: ReadonlyMap<number, Fork[]>
  problems: ObjectProblem[]
}

/** Puts facts together; pure. */
export function makeCatalogue(facts: CatalogueFacts): Catalogue {
  const pieces = sortPieces(facts.wal)
  const gaps = new Map<string, WalGap>()
  const backups = facts.manifests
    .toSorted((left, right) => right.endedAt.localeCompare(left.endedAt) || right.id.localeCompare(left.id))
    .map((manifest): CataloguedBackup => {
      const lost = manifest.parts.find(({ key }) => !facts.parts.has(key))
      if (lost) return { manifest, problem: `${lost.key} is not in the vault`, reaches: [] }
      const chains = chainsOf(manifest, { pieces, histories: facts.histories })
      for (const chain of chains) {
        const gap = findGap(manifest, chain, pieces.get(chain.stretch.timeline) ?? [])
        if (gap) gaps.set(`${gap.timeline} ${gap.start}`, gap)
      }
      const needed = parseLsn(manifest.endLsn)
      const own = chains.find(({ timeline }) => timeline === manifest.timeline)
      if (own === undefined || own.end < needed) {
        const from = formatLsn(own?.end ?? parseLsn(manifest.startLsn))
        return { manifest, problem: `the WAL that makes it whole is not in the vault from ${from} on`, reaches: [] }
      }
      return { manifest, problem: null, reaches: chains.flatMap((chain) => reachOf(manifest, chain, facts.seen)) }
    })
  const ranges = joinRanges(facts.wal)
  return {
    server: facts.server,
    backups,
    ranges,
    gaps: [...gaps.values()],
    beganAt: beginnings(ranges, facts),
    histories: facts.histories,
    problems: facts.problems,
  }
}

/** First and last moment that can be restored at all; null when none can. There may be gaps between them. */
export function restorableInterval(catalogue: Catalogue): { from: Date; to: Date } | null {
  const reaches = catalogue.backups.flatMap((backup) => backup.reaches)
  if (reaches.length === 0) return null
  const from = Math.min(...reaches.map((reach) => reach.from.getTime()))
  const to = Math.max(...reaches.map((reach) => reach.to.getTime()))
  return { from: new Date(from), to: new Date(to) }
}

function chainsOf(
  manifest: BaseManifest,
  facts: { pieces: ReadonlyMap<number, WalPiece[]>; histories: ReadonlyMap<number, Fork[]> },
): Chain[] {
  const from = { timeline: manifest.timeline, position: parseLsn(manifest.startLsn) }
  const timelines = timelinesAfter(manifest.timeline, parseLsn(manifest.endLsn), facts.histories)
  return timelines.map((timeline) => followChain(from, timeline, facts))
}

function reachOf(manifest: BaseManifest, chain: Chain, seen: Seen | null): Reach[] {
  if (!chain.isWhole) return []
  const from = new Date(manifest.endedAt)
  const isSeen = seen !== null && seen.timeline === chain.timeline && parseLsn(seen.lsn) <= chain.end
  const moments = [manifest.endedAt, ...(isSeen ? [seen.at] : [])].map((text) => Date.parse(text))
  return [{ timeline: chain.timeline, chain, from, to: new Date(Math.max(...moments, chain.to?.getTime() ?? 0)) }]
}

function findGap(manifest: BaseManifest, chain: Chain, pieces: WalPiece[]): WalGap | null {
  const { timeline, to } = chain.stretch
  const next = pieces.find(({ start }) => start > chain.end)
  const end = next && (to === null || next.start < to) ? next.start : to
  if (end === null && chain.isWhole && chain.end >= parseLsn(manifest.endLsn)) return null
  return { timeline, start: chain.end, end }
}

// A timeline's first piece may be sent long after its promotion, and a whole segment is dated by its end. The last that
// came of the one before it is the better witness, unless that one went on elsewhere. One of whose parent nothing is
// left began before all that is there.
function beginnings(ranges: WalRange[], { manifests, histories }: CatalogueFacts): Map<number, Date> {
  const lastOf = (timeline: number) =>
    Math.max(
      0,
      ...ranges.filter((range) => range.timeline === timeline).map(({ to }) => to.getTime()),
      ...manifests.filter((manifest) => manifest.timeline === timeline).map(({ endedAt }) => Date.parse(endedAt)),
    )
  const began = new Map<number, Date>()
  for (const { timeline, from } of ranges) {
    if (began.has(timeline)) continue
    const history = histories.get(timeline)
    const last = lastOf(history?.at(-1)?.parent ?? 0)
    // Of one whose history is lost, only what came of it tells.
    if (history === undefined && timeline > 1) began.set(timeline, from)
    else began.set(timeline, new Date(last === 0 ? 0 : Math.min(from.getTime(), last + 1)))
  }
  return began
}
