// A file that a command writes: under its name it is whole, or not there.
import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { Fault, messageOf } from '../kit/fault.ts'

/**
 * Makes a file of what `write` puts into the handle, which lies at `path` until it is done, and synced by then. Faults with
 * `file.exists` when there is one that may not be replaced, and as `write` does; then nothing is left.
 */
export async function writeWholeFile<T>(
  file: string,
  options: { isReplaced: boolean },
  write: (handle: FileHandle, path: string) => Promise<T>,
): Promise<T> {
  if (existsSync(file) && !options.isReplaced) {
    throw new Fault('file.exists', 400, `${file} is there`, { hint: 'Add --override to replace it.' })
  }
  const path = `${file}.part`
  const handle = await open(path, 'w', 0o600).catch((error) => {
    throw new Fault('file.failed', 400, `cannot write ${path}: ${messageOf(error)}`)
  })
  try {
    const result = await write(handle, path)
    await handle.close()
    await rename(path, file)
    return result
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(path, { force: true })
    throw error
  }
}
