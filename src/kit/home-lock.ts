// One process at a time works in a home folder.
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Fault, messageOf } from './fault.ts'
import { makeFolders, readTextIfAny, writeFileDurably } from './files.ts'

/**
 * Makes the home folder and takes it for this process, for as long as it lives: a name in the kernel that goes with it,
 * however it goes. `home` is a real path. Faults with `home.in_use` or `home.unwritable`.
 */
export async function lockHome(home: string, role: string): Promise<() => Promise<void>> {
  const path = join(home, `${role}.pid`)
  const server = createServer((socket) => socket.destroy())
  await makeOrFault(home)
  try {
    await listen(server, `\0mainstay-${createHash('sha256').update(`${home} ${role}`).digest('hex')}`)
  } catch (error) {
    const holder = (await readTextIfAny(path))?.trim()
    throw new Fault('home.in_use', 500, `${home} is in use by another ${role}${holder ? ` (process ${holder})` : ''}`, {
      hint: 'Stop that one first, or choose another --home.',
      cause: error,
    })
  }
  server.unref()
  await writeFileDurably(path, `${process.pid}\n`)
  return async () => await new Promise<void>((resolve) => server.close(() => resolve()))
}

async function makeOrFault(home: string): Promise<void> {
  try {
    await makeFolders(home)
    await writeFileDurably(join(home, '.writable'), '')
  } catch (error) {
    throw new Fault('home.unwritable', 500, `cannot write to ${home}: ${messageOf(error)}`, {
      hint: 'Choose a folder that you may write to with --home or MAINSTAY_HOME.',
      cause: error,
    })
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => resolve())
  })
}
