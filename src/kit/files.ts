// Files that must survive a crash: written aside, flushed, renamed.
import { randomBytes } from 'node:crypto'
import { lchown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Writes a whole file so that a crash leaves either the old or the new content. Mode defaults to 0600. */
export async function writeFileDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await makeFolders(dirname(path))
  const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  const handle = await open(aside, 'w', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(aside, path)
  await syncFolder(dirname(path))
}

/**
 * Makes a folder and those above it; present is fine. Node's own recursive mkdir never ends where a file system has no
 * room for new folders at all, such as /proc.
 */
export async function makeFolders(path: string, mode = 0o755): Promise<void> {
  if (await isFolder(path)) return
  if (dirname(path) !== path) await makeFolders(dirname(path), mode)
  try {
    await mkdir(path, { mode })
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!(await isFolder(path))) throw error
  }
}

/** True for a folder that is there. */
export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Flushes a folder's entries, so that a rename in it is on disk. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The file's text, or null when there is none. */
export async function readTextIfAny(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** The file's JSON, or null when there is none. The caller vouches for the shape: these are files of our own. */
export async function readJsonIfAny<T>(path: string): Promise<T | null> {
  const text = await readTextIfAny(path)
  return text === null ? null : (JSON.parse(text) as T)
}

/** Writes a value as JSON, durably. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** Removes a file or folder tree; absent is fine. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}

/** Bytes of all files below a folder; what is not there, or vanishes meanwhile, counts nothing. */
export async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      (found) => found.size,
      () => 0,
    )
  }
  return bytes
}

/** True for the error of a path that does not exist. */
export function isNotFound(error: unknown): boolean {
  // A path that leads through a file leads to nothing either.
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** Gives a tree to another user. The folder itself is last: it tells that all the rest was done. */
export async function chownTree(path: string, owner: { uid: number; gid: number }): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), owner.uid, owner.gid)
  await lchown(path, owner.uid, owner.gid)
}
