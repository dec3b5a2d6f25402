// A small disk of its own for a folder, which can be filled to the last byte: a file system in memory, mounted there.
import { execFile } from 'node:child_process'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { copyHome } from './prepared-clouds.ts'

const run = promisify(execFile)
const BALLAST = 'ballast'

export class SmallDisk {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Moves what a folder holds to a disk of its own, at the same path; null where nothing may be mounted. */
  static async mount(folder: string, megabytes: number): Promise<SmallDisk | null> {
    const aside = `${folder}.aside`
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await rename(folder, aside)
    await mkdir(folder)
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'mainstay-test', folder])
    } catch {
      await rm(folder, { recursive: true })
      await rename(aside, folder)
      return null
    }
    await copyHome(aside, folder)
    await rm(aside, { recursive: true })
    return new SmallDisk(folder)
  }

  /** Leaves no byte free. */
  async fill(): Promise<void> {
    const file = await open(join(this.#folder, BALLAST), 'a')
    try {
      for (const bytes of [1_048_576, 4_096]) await writeUntilFull(async () => await file.write(Buffer.alloc(bytes)))
    } finally {
      await file.close()
    }
  }

  /** Gives back all that was filled. */
  async free(): Promise<void> {
    await rm(join(this.#folder, BALLAST), { force: true })
  }

  /** Nothing may be open on it any more. */
  async unmount(): Promise<void> {
    await run('umount', [this.#folder])
  }
}

async function writeUntilFull(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
