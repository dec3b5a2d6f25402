// The host's line to its guard: starts the guard when there is none, and tells it every lease.
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { type FromGuard, GUARD_SOCKET, type ToGuard } from '../contract/guard-channel.ts'
import { waitFor } from '../kit/clock.ts'
import { readJsonLines, writeJsonLine } from '../kit/json-lines.ts'
import { startRole } from '../kit/launcher.ts'

export type GuardLink = {
  tell: (message: ToGuard) => void
  close: () => void
}

/**
 * Connects to the guard of this host, one left by an earlier host process or a new one, and again whenever it is lost.
 * `onFenced` is called when the guard stopped a server.
 */
export async function openGuardLink(options: {
  home: string
  socketFolder: string
  onFenced: (server: string) => void
}): Promise<GuardLink> {
  const path = join(options.socketFolder, GUARD_SOCKET)
  // What the guard must know is told again to each new guard.
  const told = new Map<string, ToGuard>()
  let isClosed = false
  let socket: Socket | null = null
  let isOpening = false

  const open = async () => {
    if (isOpening || isClosed) return
    isOpening = true
    try {
      socket = await connectOrStart(path, options.home)
    } finally {
      isOpening = false
    }
    readJsonLines<FromGuard>(socket, (message) => options.onFenced(message.server))
    socket.once('close', () => {
      socket = null
    })
    for (const message of told.values()) writeJsonLine(socket, message)
  }
  await open()
  return {
    tell(message) {
      if (message.kind === 'watch') told.set(message.server, message)
      else if (message.kind === 'forget') told.delete(message.server)
      else isClosed = true
      if (socket) writeJsonLine(socket, message)
      // A guard that was killed is replaced at the next lease, half a second later at most.
      else open().catch(() => {})
    },
    close() {
      isClosed = true
      socket?.end()
    },
  }
}

async function connectOrStart(path: string, home: string): Promise<Socket> {
  const found = await connect(path)
  if (found) return found
  startRole(['guard', '--home', home, '--socket', path], { stdio: 'ignore', detached: true }).unref()
  return await waitFor('the guard', async () => (await connect(path)) ?? undefined, { withinMs: 10_000 })
}

async function connect(path: string): Promise<Socket | null> {
  return await new Promise((resolve) => {
    const socket = createConnection({ path })
    socket.once('error', () => {
      socket.destroy()
      resolve(null)
    })
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
  })
}
