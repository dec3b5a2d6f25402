// Decides how a moment is restored: from which backup, with which WAL. Catalogue and target in, plan out.

import { formatLsn, parseLsn } from '../databases/replication.ts'
import type { Fork } from '../databases/timeline.ts'
import { Fault } from '../kit/fault.ts'
import type { BaseManifest } from './base-manifest.ts'
import { type Catalogue, type CataloguedBackup, type Reach, restorableInterval } from './catalogue.ts'
import type { WalPiece } from './object-names.ts'

export type RestoreTarget = { kind: 'latest' } | { kind: 'time'; at: Date } | { kind: 'backup'; id: string }

export type RestorePlan = {
  server: string
  backup: BaseManifest
  /** The timeline to follow. */
  timeline: number
  /** Where PostgreSQL stops: after the last commit up to `at`, at the end of the WAL, or once the backup is whole. */
  stop: { kind: 'time'; at: Date } | { kind: 'end' } | { kind: 'backup' }
  wal: WalPiece[]
  /** Fetched only if no commit after the target is in `wal`: what was written then may have been sent much later. */
  reserve: WalPiece[]
  /** Of all timelines in the vault: the restored server must take a number of its own. Empty where nothing is known. */
  histories: ReadonlyMap<number, Fork[]>
  /** What is fetched, unpacked: the backup and `wal`. */
  bytes: number
  /** The newest moment that the plan can give. */
  restoresTo: Date
  /** What a person should know: what was passed over and why. */
  notes: string[]
}

// Damage in the vault is told of in full by `verifyBackups`.
const NOTES_MAX = 5

type Candidate = { backup: CataloguedBackup; reach: Reach }

/** Pure. Faults with `restore.no_backup`, `restore.too_early`, `restore.too_late` or `restore.gap`, and what can be. */
export function planRestore(catalogue: Catalogue, target: RestoreTarget): RestorePlan {
  const candidates = catalogue.backups.flatMap((backup) => backup.reaches.map((reach) => ({ backup, reach })))
  if (candidates.length === 0) throw noBackup(catalogue, `there is no whole backup of ${catalogue.server}`)
  switch (target.kind) {
    case 'backup':
      return planBackup(catalogue, target.id)
    case 'latest': {
      const chosen = candidates.toSorted(byNewest)[0]
      if (!chosen) throw new TypeError('there is a candidate')
      return toPlan(catalogue, chosen, { kind: 'end' })
    }
    case 'time':
      return planTime(catalogue, candidates, target.at)
  }
}

function planBackup(catalogue: Catalogue, id: string): RestorePlan {
  const backup = catalogue.backups.find(({ manifest }) => manifest.id === id)
  if (!backup) throw noBackup(catalogue, `there is no backup ${id} of ${catalogue.server}`)
  if (backup.problem !== null) throw noBackup(catalogue, `backup ${id} cannot be used: ${backup.problem}`)
  const reach = backup.reaches.find(({ timeline }) => timeline === backup.manifest.timeline)
  if (!reach) throw new TypeError('a backup without a problem is whole on its own timeline')
  return toPlan(catalogue, { backup, reach }, { kind: 'backup' })
}

function planTime(catalogue: Catalogue, candidates: Candidate[], at: Date): RestorePlan {
  // The server was on one timeline at that moment; what others hold of that time was never its.
  const timelines = [...catalogue.beganAt].filter(([, began]) => began <= at).map(([timeline]) => timeline)
  const timeline = Math.max(...timelines)
  const chosen = candidates
    .filter(({ reach }) => reach.timeline === timeline || timelines.length === 0)
    .filter(({ reach }) => reach.from <= at && at <= reach.to)
    .toSorted(byNewest)[0]
  if (chosen) return toPlan(catalogue, chosen, { kind: 'time', at })
  const whole = restorableInterval(catalogue)
  if (!whole) throw noBackup(catalogue, `there is no whole backup of ${catalogue.server}`)
  const hint = `What can be restored: ${describeIntervals(candidates)}.`
  const [wanted, first, last] = [at, whole.from, whole.to].map((time) => time.toISOString())
  if (at < whole.from) {
    throw new Fault('restore.too_early', 409, `${wanted} is before the first backup was whole, ${first}`, { hint })
  }
  if (at > whole.to) {
    throw new Fault('restore.too_late', 409, `${wanted} is after the last that the vault has, ${last}`, { hint })
  }
  throw new Fault('restore.gap', 409, `the vault lacks what leads to ${wanted}`, { hint })
}

// The newest timeline is the server's own line; on it, what reaches furthest; then what is nearest to it.
function byNewest(left: Candidate, right: Candidate): number {
  return (
    right.reach.timeline - left.reach.timeline ||
    right.reach.to.getTime() - left.reach.to.getTime() ||
    right.reach.from.getTime() - left.reach.from.getTime()
  )
}

function toPlan(catalogue: Catalogue, chosen: Candidate, stop: RestorePlan['stop']): RestorePlan {
  const { manifest } = chosen.backup
  const { pieces: all } = chosen.reach.chain
  const pieces = stop.kind === 'backup' ? all.filter(({ start }) => start < parseLsn(manifest.endLsn)) : all
  // The commit that PostgreSQL stops before is mostly in the first piece that came after the moment, or in the next.
  const after = stop.kind === 'time' ? pieces.findIndex(({ to }) => to > stop.at) : -1
  const wal = after < 0 ? pieces : pieces.slice(0, after + 2)
  return {
    server: catalogue.server,
    backup: manifest,
    timeline: chosen.reach.timeline,
    stop,
    wal,
    reserve: pieces.slice(wal.length),
    histories: new Map([
      ...catalogue.ranges.flatMap((range) => (range.timeline > 1 ? [[range.timeline, []] as [number, Fork[]]] : [])),
      ...catalogue.histories,
    ]),
    bytes: manifest.plainBytes + wal.reduce((total, { start, end }) => total + Number(end - start), 0),
    restoresTo: restoredBy(chosen, stop),
    notes: notesFor(catalogue, chosen, stop),
  }
}

function restoredBy({ backup, reach }: Candidate, stop: RestorePlan['stop']): Date {
  if (stop.kind === 'time') return stop.at
  return stop.kind === 'end' ? reach.to : new Date(backup.manifest.endedAt)
}

function notesFor(catalogue: Catalogue, chosen: Candidate, stop: RestorePlan['stop']): string[] {
  const notes = catalogue.problems.slice(0, NOTES_MAX).map(({ message }) => message)
  const until = stop.kind === 'time' ? stop.at : null
  for (const { manifest, problem } of catalogue.backups) {
    const isOfInterest =
      manifest.endedAt > chosen.backup.manifest.endedAt && (!until || new Date(manifest.endedAt) <= until)
    if (isOfInterest && problem !== null) notes.push(`backup ${manifest.id} is passed over: ${problem}`)
  }
  if (stop.kind !== 'end') return notes
  for (const { timeline, start, end } of catalogue.gaps) {
    if (start !== chosen.reach.chain.end) continue
    const reach = end === null ? `from ${formatLsn(start)} on` : `from ${formatLsn(start)} to ${formatLsn(end)}`
    notes.push(`WAL of timeline ${timeline} ${reach} is missing: what was written after it is not restored`)
  }
  const newer = [...catalogue.histories.keys()].filter((timeline) => timeline > chosen.reach.timeline)
  if (newer.length > 0) notes.push(`nothing whole leads to timeline ${Math.max(...newer)}`)
  return notes
}

function noBackup(catalogue: Catalogue, message: string): Fault {
  const ids = catalogue.backups.filter(({ problem }) => problem === null).map(({ manifest }) => manifest.id)
  const hint = ids.length > 0 ? `There are ${ids.slice(0, 5).join(', ')}.` : 'Take a backup first.'
  return new Fault('restore.no_backup', 409, message, { hint })
}

function describeIntervals(candidates: Candidate[]): string {
  const spans = candidates
    .map(({ reach }) => ({ from: reach.from.toISOString(), to: reach.to.toISOString() }))
    .toSorted((left, right) => left.from.localeCompare(right.from))
  const joined: { from: string; to: string }[] = []
  for (const span of spans) {
    const last = joined.at(-1)
    if (!last || span.from > last.to) joined.push(span)
    else if (span.to > last.to) last.to = span.to
  }
  return joined
    .slice(-5)
    .map(({ from, to }) => (from === to ? from : `${from} to ${to}`))
    .join(', ')
}
