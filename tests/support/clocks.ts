// Wall clocks that a campaign can step: each region's host, with all that it starts, runs under libfaketime, which reads
// the region's offset from a file. The time since boot, which leases are measured with, is left as it is.
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program that is `mainstay up` with a clock of its own for each region. */
export const CLOCKED_UP = fileURLToPath(new URL('clocked-up.ts', import.meta.url))

/** The library of Debian's package libfaketime, or null where it is not installed. */
export function findFakeTime(): string | null {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib') : []
  const files = folders.map((folder) => join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1'))
  return files.find((file) => existsSync(file)) ?? null
}

/** What a process must be started with to follow the clock in that file; nothing where there is no library. */
export function clockEnvironment(file: string): NodeJS.ProcessEnv {
  const library = findFakeTime()
  if (library === null) return {}
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}

/** Where the offset of a region's clock stands. */
export function clockFileOf(home: string, slug: string): string {
  return join(home, `clock-${slug}`)
}

/** Steps a region's clock: so many seconds before or after the true time, from within a second on. */
export async function stepClock(home: string, slug: string, seconds: number): Promise<void> {
  await writeFile(clockFileOf(home, slug), `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 })
}
