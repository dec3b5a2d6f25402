// A vault: where things lie that must outlive this machine. Whole objects by key; a folder is one.
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { makeFolders, writeFileDurably } from './files.ts'

export type Vault = {
  /** As a person knows it; for messages. */
  name: string
  /** Writes a whole object, durably; nobody ever sees half of one. */
  put: (key: string, content: Uint8Array) => Promise<void>
  /** The object, or null when there is none. */
  get: (key: string) => Promise<Uint8Array | null>
  /** The keys that begin with `prefix`, in order. */
  list: (prefix: string) => Promise<string[]>
  /** Removes an object; absent is fine. */
  remove: (key: string) => Promise<void>
  /** Removes what writes below `prefix` left that were cut short before `before`. */
  sweep: (prefix: string, before: Date) => Promise<void>
}

/** A vault in a folder, made when needed. Best on another disk, another machine's best of all. */
export function folderVault(folder: string): Vault {
  return {
    name: folder,
    async put(key, content) {
      await makeFolders(dirname(join(folder, key)), 0o700)
      await writeFileDurably(join(folder, key), content)
    },
    async get(key) {
      try {
        return await readFile(join(folder, key))
      } catch (error) {
        if (isAbsent(error)) return null
        throw error
      }
    },
    async list(prefix) {
      const keys = (await filesOf(folder, prefix)).filter((path) => !path.endsWith(UNFINISHED))
      return keys.map((path) => relative(folder, path).split(sep).join('/')).sort()
    },
    async remove(key) {
      await rm(join(folder, key), { force: true })
    },
    async sweep(prefix, before) {
      for (const path of (await filesOf(folder, prefix)).filter((found) => found.endsWith(UNFINISHED))) {
        const found = await stat(path).catch(() => null)
        if (found !== null && found.mtime < before) await rm(path, { force: true })
      }
    },
  }
}

// As `writeFileDurably` calls what it has not written to its end.
const UNFINISHED = '.tmp'

// A vault may hold very many objects of others: only the folder that the prefix leads to is read.
async function filesOf(folder: string, prefix: string): Promise<string[]> {
  const top = join(folder, prefix.slice(0, prefix.lastIndexOf('/') + 1))
  const entries = await readdir(top, { withFileTypes: true, recursive: true }).catch((error) => {
    if (isAbsent(error)) return []
    throw error
  })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.filter((path) => path.startsWith(join(folder, prefix)))
}

// A path that leads through a file is a vault that is not there at all: that it is empty must not be said of it.
function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
