// One process at a time works in a home folder.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from './fault.ts'
import { makeFolders, readTextIfAny } from './files.ts'
import { commandOf, isAlive } from './processes.ts'

/**
 * Makes the home folder and takes it for this process. Faults with `home.in_use` or `home.unwritable`. The lock of a
 * process that was killed is taken over: its pid is gone, or is no process of this home.
 */
export async function lockHome(home: string, role: string): Promise<() => Promise<void>> {
  const path = join(home, `${role}.pid`)
  try {
    await makeFolders(home)
    const holder = Number((await readTextIfAny(path)) ?? 0)
    if (holder > 0 && holder !== process.pid && isAlive(holder) && commandOf(holder).includes(home)) {
      throw new Fault('home.in_use', 500, `${home} is in use by another ${role} (process ${holder})`, {
        hint: 'Stop that one first, or choose another --home.',
      })
    }
    await writeFile(path, String(process.pid), { mode: 0o600 })
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      'home.unwritable',
      500,
      `cannot write to ${home}: ${error instanceof Error ? error.message : error}`,
      {
        hint: 'Choose a folder that you may write to with --home or MAINSTAY_HOME.',
        cause: error,
      },
    )
  }
  return async () => await rm(path, { force: true })
}
