// How much room the file system of a path has.
import { statfs } from 'node:fs/promises'

/** In bytes; `freeBytes` is what is left for others than root. */
export type Disk = { freeBytes: number; totalBytes: number }

/** Reads it; null where the path cannot be looked at. */
export async function readDisk(path: string): Promise<Disk | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return null
  }
}
