// The folders of a role: its home, the part of it that another user's process must reach, and its sockets.
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolders } from './files.ts'

/**
 * Where PostgreSQL's files of a home lie: inside it, except when we are root and another user could not reach into it
 * (a checkout in /root); then below /var/lib.
 */
export async function postgresFolderOf(home: string): Promise<string> {
  if (process.getuid?.() !== 0 || (await isReachableByOthers(home))) return join(home, 'postgresql')
  return join('/var/lib/mainstay', hashOf(home))
}

/** The folder of a home's unix sockets: short, since a socket's path has 107 bytes. The same for the same home. */
export function socketFolderOf(home: string): string {
  if (process.getuid?.() === 0) return join('/run/mainstay', hashOf(home))
  return join(tmpdir(), `mainstay-${process.getuid?.() ?? 0}`, hashOf(home))
}

/**
 * The real path of a folder that may not exist yet: links resolved, since processes are found by their working folder
 * and the kernel tells that one resolved.
 */
export function realFolder(path: string): string {
  const wanted = resolve(path)
  try {
    return realpathSync(wanted)
  } catch {
    return dirname(wanted) === wanted ? wanted : join(realFolder(dirname(wanted)), basename(wanted))
  }
}

/** Makes a folder that others may pass through but not list. */
export async function makeOpenFolder(path: string): Promise<string> {
  await makeFolders(path)
  return path
}

/** True when a user who is not us could reach a path: every folder above it that exists lets others pass. */
export async function isReachableByOthers(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      if (((await stat(folder)).mode & 0o001) === 0) return false
    } catch {
      // Not there yet: we shall make it, open.
    }
    if (folder === dirname(folder)) return true
  }
}

function hashOf(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12)
}
