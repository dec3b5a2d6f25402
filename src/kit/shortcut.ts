// A way past a machine's door for a process on that same machine: straight to the unix socket that the door would lead
// to, which spares each request the encryption and a process in between. It is told through the door, and lasts as long
// as the connection that told it: whatever cuts the door, refuses a machine or ends the host ends it, too.
import { lstat, realpath } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { basename } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { DialOptions, Door } from './door.ts'
import { DIAL_MS_MAX, SHORTCUT_FORGONE_MS, SHORTCUT_PATH_BYTES_MAX } from './limits.ts'

/** What a host's sockets for shortcuts are called: a name that nothing else on a machine has. */
const SOCKET_NAME = /^[0-9a-f]{8}\.sock$/
const NONE = '\n'

/**
 * Tells whoever has dialled which socket leads on, and holds the connection from then on. Only on the same machine,
 * where no network lies between the two. `path` null: nothing listens now.
 */
export function tellShortcut(asking: TLSSocket, path: string | null): void {
  const isNear = asking.remoteAddress !== undefined && asking.remoteAddress === asking.localAddress
  if (!isNear) asking.end(NONE)
  else if (path === null) asking.destroy()
  else asking.resume().write(`${path}\n`)
}

/** Dials through a door, or past it where the other side is on this machine and allows it. */
export class Shortcuts {
  readonly #door: Door
  /** The protocol by which sockets are told. */
  readonly #protocol: string
  /** Doors that have none for us, by address, and until when they are not asked again (`performance.now`). */
  readonly #forgone = new Map<string, number>()

  constructor(door: Door, protocol: string) {
    this.#door = door
    this.#protocol = protocol
  }

  /** A connection to what `to` leads to. Faults as `Door.dial`. */
  async dial(to: DialOptions): Promise<Socket> {
    const startedAt = performance.now()
    if (this.#isWorthAsking(to)) {
      try {
        const socket = await this.#dialPast(to)
        if (socket) return socket
      } catch (error) {
        // Who does not answer at all is not asked twice.
        if (performance.now() - startedAt >= (to.timeoutMs ?? DIAL_MS_MAX)) throw error
        if (isUnknownProtocol(error)) this.#forgo(to)
      }
    }
    return await this.#door.dial(to)
  }

  // Null where the way leads through the door.
  async #dialPast(to: DialOptions): Promise<Socket | null> {
    const held = await this.#door.dial({ ...to, protocol: this.#protocol })
    const path = await lineOf(held, to.timeoutMs ?? DIAL_MS_MAX)
    // Nothing listens there now.
    if (path === null) return null
    if (path === '' || (await isForeign(path))) {
      this.#forgo(to)
      held.destroy()
      return null
    }
    const socket = await connected(path)
    if (socket === null || held.destroyed) {
      held.destroy()
      socket?.destroy()
      return null
    }
    held.once('close', () => socket.destroy())
    socket.once('close', () => held.destroy())
    return socket
  }

  #isWorthAsking(to: DialOptions): boolean {
    const until = this.#forgone.get(keyOf(to))
    if (until !== undefined && performance.now() < until) return false
    return isOwnAddress(to.address)
  }

  #forgo(to: DialOptions): void {
    this.#forgone.set(keyOf(to), performance.now() + SHORTCUT_FORGONE_MS)
  }
}

function keyOf({ address, port }: DialOptions): string {
  return `${address} ${port}`
}

function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address))
}

// Of a release that knows no shortcuts: its TLS refuses the name of the protocol.
function isUnknownProtocol(error: unknown): boolean {
  return error instanceof Error && /no application protocol/i.test(error.message)
}

// The first line that is sent; null when there is none.
async function lineOf(held: TLSSocket, timeoutMs: number): Promise<string | null> {
  return await new Promise((resolve) => {
    let text = ''
    const end = (line: string | null) => {
      clearTimeout(timer)
      held.removeListener('data', take)
      // What ends it is noticed only by who reads.
      held.resume()
      if (line === null) held.destroy()
      resolve(line)
    }
    const take = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const length = text.indexOf('\n')
      if (length >= 0) end(text.slice(0, length))
      else if (text.length > SHORTCUT_PATH_BYTES_MAX) end(null)
    }
    const timer = setTimeout(() => end(null), timeoutMs)
    held.on('data', take)
    held.once('close', () => end(null))
  })
}

// Whoever tells us a path could send us to any socket of this machine, with our rights: only one that is named as such
// sockets are, and that our own user made, is taken. One that has just gone is nobody's.
async function isForeign(path: string): Promise<boolean> {
  if (!SOCKET_NAME.test(basename(path))) return true
  try {
    const found = await lstat(path)
    return !found.isSocket() || found.uid !== process.getuid?.() || (await realpath(path)) !== path
  } catch {
    return false
  }
}

async function connected(path: string): Promise<Socket | null> {
  return await new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('error', () => resolve(null))
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
  })
}
