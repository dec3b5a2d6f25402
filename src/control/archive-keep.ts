// Which archives may go: the newest are kept, older ones are thinned to one an hour, then one a day.
import { ARCHIVES_DAILY_KEPT, ARCHIVES_HOURLY_KEPT, ARCHIVES_KEPT } from '../kit/limits.ts'
import type { ArchiveName } from './archive-file.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The archives that nobody needs any more. `newestFirst` is the whole list. */
export function chooseOutdated(newestFirst: ArchiveName[]): ArchiveName[] {
  const kept = new Set(newestFirst.slice(0, ARCHIVES_KEPT))
  for (const [lengthMs, count] of [[HOUR_MS, ARCHIVES_HOURLY_KEPT] as const, [DAY_MS, ARCHIVES_DAILY_KEPT] as const]) {
    // The newest of each period that has any; clocks of control processes may differ, so none is counted from now.
    const periods = new Map<number, ArchiveName>()
    for (const archive of newestFirst) {
      const period = Math.floor(archive.takenAt.getTime() / lengthMs)
      if (!periods.has(period)) periods.set(period, archive)
    }
    for (const archive of [...periods.values()].slice(0, count)) kept.add(archive)
  }
  return newestFirst.filter((archive) => !kept.has(archive))
}
