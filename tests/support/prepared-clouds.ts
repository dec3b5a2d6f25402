// Clouds that were prepared once for a whole run of tests: stopped, in a folder, to be copied by each test that needs
// one. A copy starts in a third of the time that a new cloud takes with its pair.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { removeTree } from '../../src/kit/files.ts'
import type { CloudSettings } from '../../src/local/cloud-home.ts'
import { pickPort } from '../../src/local/ports.ts'

/** What is in a prepared cloud: nothing yet, or the pair of the story, protected. */
export type Preparation = 'empty' | 'pair'

/** Names the folder of the prepared clouds; made and removed by `tests/once.ts`. Without it nothing is prepared. */
export const PREPARED_FOLDER = 'MAINSTAY_TEST_PREPARED'

/** True in a run of tests that share prepared clouds. */
export function isPreparing(): boolean {
  return process.env[PREPARED_FOLDER] !== undefined
}

/** The folder of a stopped cloud, or null when there is none yet. */
export function preparedHome(what: Preparation): string | null {
  const folder = process.env[PREPARED_FOLDER]
  if (folder === undefined) return null
  const home = join(folder, what)
  return existsSync(home) ? home : null
}

/** Keeps a copy of a stopped cloud's home for the tests that follow. */
export async function keepPrepared(what: Preparation, home: string): Promise<void> {
  const folder = process.env[PREPARED_FOLDER]
  if (folder === undefined) return
  const aside = join(folder, `${what}.${process.pid}`)
  await copyHome(home, aside)
  // Whoever was first stays.
  await rename(aside, join(folder, what)).catch(async () => await removeTree(aside))
}

/** Gives a copy ports of its own: copies run beside each other, and at a port of another one it would be let in. */
export async function forgetPorts(home: string): Promise<void> {
  const settings = join(home, 'up.json')
  const { regions } = JSON.parse(await readFile(settings, 'utf8')) as CloudSettings
  await writeFile(settings, JSON.stringify({ machinePort: await pickPort(), regions } satisfies CloudSettings))
  for (const path of await readdir(home, { recursive: true })) {
    if (basename(path) === 'door.json') await rm(join(home, path))
  }
}

/** Copies a home with owners and times, as `cp --archive` does, and without the zeros that WAL is made of at first. */
export async function copyHome(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['--archive', '--reflink=auto', '--sparse=always', '--no-target-directory', from, to])
}
