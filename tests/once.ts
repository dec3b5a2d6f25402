// Runs before the first test and after the last one (node --test-global-setup): a folder for all that the tests make.
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { availableMemory } from 'node:process'
import { removeTree } from '../src/kit/files.ts'
import { isAlive } from '../src/kit/processes.ts'
import { PREPARED_FOLDER } from './support/prepared-clouds.ts'
import { TURNS_PORT, TurnGiver } from './support/turns.ts'

const IN_MEMORY = '/dev/shm'
// Of `statfs`: https://man7.org/linux/man-pages/man2/statfs.2.html
const TMPFS_MAGIC = 0x01_02_19_94
// Two files of tests at a time, each with clouds of some hundred MiB.
const ROOM_BYTES_MIN = 8 * 1_073_741_824
const PREFIX = 'mstest-'

let turns: TurnGiver | null = null

export async function globalSetup(): Promise<void> {
  // Where the roles keep their compiled code anyway; each file of tests is a process and reads much of the same source.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
  const folder = (await folderIn(IN_MEMORY)) ?? (await folderIn(tmpdir()))
  if (folder === null) throw new Error(`no folder for the tests can be made in ${tmpdir()}`)
  process.env.TMPDIR = folder
  process.env[PREPARED_FOLDER] = join(folder, 'prepared')
  await mkdir(join(folder, 'prepared'), { mode: 0o755 })
  turns = await TurnGiver.listen()
  process.env[TURNS_PORT] = String(turns.port)
}

export async function globalTeardown(): Promise<void> {
  turns?.close()
  const folder = process.env.TMPDIR
  if (folder?.includes(`/${PREFIX}`)) await removeTree(folder)
}

// In memory most of it costs a tenth: a cluster is a thousand files. Null where there is no such place.
async function folderIn(parent: string): Promise<string | null> {
  if (parent === IN_MEMORY && !(await hasRoom(parent))) return null
  // What runs before this one left there, when they were killed.
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN
    if (Number.isInteger(pid) && !isAlive(pid)) await removeTree(join(parent, name)).catch(() => {})
  }
  const folder = join(parent, `${PREFIX}${process.pid}`)
  try {
    await mkdir(folder)
    // PostgreSQL runs as another user when we are root.
    await chmod(folder, 0o755)
    if (await canRunIn(folder)) return folder
    await removeTree(folder)
    return null
  } catch {
    return null
  }
}

async function hasRoom(parent: string): Promise<boolean> {
  try {
    const { type, bavail, bsize } = await statfs(parent)
    return type === TMPFS_MAGIC && Math.min(bavail * bsize, availableMemory()) >= ROOM_BYTES_MIN
  } catch {
    return false
  }
}

// PostgreSQL's programs may have to be copied there; some systems let nothing be run from shared memory.
async function canRunIn(folder: string): Promise<boolean> {
  const path = join(folder, 'run')
  await writeFile(path, '#!/bin/sh\n', { mode: 0o755 })
  return spawnSync(path).status === 0
}
