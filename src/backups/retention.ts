// Decides what of a server's backups may go: what no restore to a moment of the last days needs, and nothing else.
import { parseLsn } from '../databases/replication.ts'
import { segmentStart } from '../databases/timeline.ts'
import { BACKUP_UNFINISHED_MS, ENDED_BACKUPS_KEEP_MS } from '../kit/limits.ts'
import type { BaseManifest } from './base-manifest.ts'
import { type Catalogue, type CataloguedBackup, type CatalogueFacts, makeCatalogue } from './catalogue.ts'
import { type NamedObject, timeOfBackup, type WalPiece } from './object-names.ts'

const DAY_MS = 86_400_000

export type Expired = {
  /** Whole backups, oldest first. */
  backups: BaseManifest[]
  /** WAL that only they needed. */
  wal: WalPiece[]
}

/**
 * Pure. What remains can be restored to every moment of the last `days` to which it could be before; one backup and its
 * WAL always remain. While the history of a timeline is lost, everything does.
 */
export function chooseExpired(facts: CatalogueFacts, options: { now: Date; days: number }): Expired {
  // Where it is not known what leads to a timeline, what leads there is not known to be of no use either.
  const isUnclear = facts.wal.some(({ timeline }) => timeline > 1 && !facts.histories.has(timeline))
  if (isUnclear) return { backups: [], wal: [] }
  const since = new Date(options.now.getTime() - options.days * DAY_MS)
  const catalogue = makeCatalogue(facts)
  const kept = keepBackups(catalogue, since)
  const expired = catalogue.backups.filter((backup) => !kept.has(backup))
  // Without a backup nothing says what WAL is for: the first one may just be under way.
  const wal = kept.size === 0 ? [] : facts.wal.filter((piece) => !isNeeded(piece, [...kept], facts.histories))
  return { backups: expired.map(({ manifest }) => manifest).reverse(), wal }
}

/**
 * For how many days before `now` moments are kept: those that were asked for, and more while somebody may want back what
 * was dropped at one of `droppedAt` (ISO 8601). Pure.
 */
export function daysToKeep(asked: { keepDays: number; droppedAt?: string[] }, now: Date): number {
  const ages = (asked.droppedAt ?? []).map((at) => now.getTime() - Date.parse(at))
  const recent = ages.filter((age) => age < ENDED_BACKUPS_KEEP_MS)
  // A day more, for there to be a moment before it.
  return Math.max(asked.keepDays, ...recent.map((age) => Math.ceil(age / DAY_MS) + 1))
}

/** Parts that belong to no backup and are too old for one under way: a backup that was stopped left them. Pure. */
export function chooseAbandoned(objects: NamedObject[], now: Date): string[] {
  const whole = new Set(objects.flatMap((object) => (object.kind === 'manifest' ? [object.backup] : [])))
  return objects.flatMap((object) => {
    if (object.kind !== 'part' || whole.has(object.backup)) return []
    const ageMs = now.getTime() - timeOfBackup(object.backup).getTime()
    return ageMs > BACKUP_UNFINISHED_MS ? [object.key] : []
  })
}

function keepBackups(catalogue: Catalogue, since: Date): Set<CataloguedBackup> {
  const kept = new Set<CataloguedBackup>()
  // How far each timeline is covered by what is kept of before; an older backup counts only if it leads further.
  const covered = new Map<number, Date>()
  for (const backup of catalogue.backups) {
    if (new Date(backup.manifest.endedAt) > since) {
      kept.add(backup)
      continue
    }
    const helps = backup.reaches.filter(({ timeline, to }) => to >= since && to > (covered.get(timeline) ?? EVER))
    for (const { timeline, to } of helps) covered.set(timeline, to)
    if (helps.length > 0) kept.add(backup)
  }
  const usable = catalogue.backups.filter(({ reaches }) => reaches.length > 0)
  const furthest = usable.toSorted((left, right) => reachOf(right) - reachOf(left))[0]
  if (furthest && !usable.some((backup) => kept.has(backup))) kept.add(furthest)
  return kept
}

const EVER = new Date(0)

function reachOf({ reaches }: CataloguedBackup): number {
  return Math.max(...reaches.map(({ to }) => to.getTime()))
}

// WAL is needed from a backup's begin on, along its timeline and all that began from it. What lies on a timeline that is
// newer than every backup may be needed by one that is just being taken.
function isNeeded(piece: WalPiece, kept: CataloguedBackup[], histories: CatalogueFacts['histories']): boolean {
  const newest = Math.max(...kept.map(({ manifest }) => manifest.timeline))
  if (piece.timeline > newest) return true
  return kept.some(({ manifest }) => {
    if (manifest.timeline === piece.timeline) return piece.end > segmentStart(parseLsn(manifest.startLsn))
    return (histories.get(piece.timeline) ?? []).some(({ parent }) => parent === manifest.timeline)
  })
}
