// A way past a machine's door for a process on that same machine: straight to the unix socket that the door would lead
// to, which spares each request the encryption and a process in between. It is told through the door, and lasts as long
// as the connection that told it: whatever cuts the door, refuses a machine or ends the host ends it, too.
import { lstat, realpath } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { basename } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { DialOptions, Door } from './door.ts'
import { Fault } from './fault.ts'
import { randomId } from './identifiers.ts'
import {
  DIAL_AGAIN_MS_MIN,
  DIAL_MS_MAX,
  SHORTCUT_FORGONE_MS,
  SHORTCUT_GONE_MS,
  SHORTCUT_PATH_BYTES_MAX,
} from './limits.ts'

/** What sockets are called to which shortcuts lead: a name that nothing else on a machine has. */
const SOCKET_NAME = /^[0-9a-f]{8}\.sock$/
const NONE = '\n'

/** A name for a socket that shortcuts may lead to; nobody else has it. */
export function newSocketName(): string {
  return `${randomId(4)}.sock`
}

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
  readonly #door: Pick<Door, 'dial'>
  /** The protocol by which sockets are told. */
  readonly #protocol: string
  /** Doors that have none for us, by address, and until when they are not asked again (`performance.now`). */
  readonly #forgone = new Map<string, number>()

  constructor(door: Pick<Door, 'dial'>, protocol: string) {
    this.#door = door
    this.#protocol = protocol
  }

  /** A connection to what `to` leads to. Faults as `Door.dial`, within the same time. */
  async dial(to: DialOptions): Promise<Socket> {
    const startedAt = performance.now()
    const limitMs = to.timeoutMs ?? DIAL_MS_MAX
    const leftMs = () => Math.ceil(limitMs - (performance.now() - startedAt))
    if (this.#isWorthAsking(to)) {
      try {
        const socket = await this.#dialPast(to, leftMs)
        if (socket) return socket
      } catch (error) {
        // Who does not answer at all is not asked twice.
        if (leftMs() < DIAL_AGAIN_MS_MIN) throw error
        if (isUnknownProtocol(error)) this.#forgo(to, SHORTCUT_FORGONE_MS)
      }
    }
    return await this.#door.dial({ ...to, timeoutMs: Math.max(1, leftMs()) })
  }

  // Null where the way leads through the door.
  async #dialPast(to: DialOptions, leftMs: () => number): Promise<Socket | null> {
    const held = await this.#door.dial({ ...to, protocol: this.#protocol })
    const path = await lineOf(held, leftMs())
    // Nothing listens there now.
    if (path === null) return null
    const found = await look(path)
    const socket = found === 'ours' ? await connected(path) : null
    if (socket === null || held.destroyed) {
      if (found === 'foreign') this.#forgo(to, SHORTCUT_FORGONE_MS)
      else if (!held.destroyed) this.#forgo(to, SHORTCUT_GONE_MS)
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

  #forgo(to: DialOptions, ms: number): void {
    this.#forgone.set(keyOf(to), performance.now() + ms)
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

// The first line that is sent; null when there is none. Throws when nothing comes in time.
async function lineOf(held: TLSSocket, timeoutMs: number): Promise<string | null> {
  return await new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    const end = (line: string | null) => {
      clearTimeout(timer)
      held.removeListener('data', take)
      // What ends it is noticed only by who reads.
      held.resume()
      if (line === null) held.destroy()
      resolve(line)
    }
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const length = bytes.indexOf('\n')
      if (length >= 0) end(bytes.toString('utf8', 0, length))
      else if (bytes.length > SHORTCUT_PATH_BYTES_MAX) end(null)
    }
    const timer = setTimeout(() => {
      reject(new Fault('door.unreachable', 503, `no word of a shortcut within ${timeoutMs} ms`))
      end(null)
    }, timeoutMs)
    held.on('data', take)
    held.once('close', () => end(null))
  })
}

// Whoever tells us a path could send us to any socket of this machine, with our rights: only one that is there, named
// as such sockets are, and that our own user made, is taken. No path at all is foreign, too: there is none for us.
async function look(path: string): Promise<'ours' | 'foreign' | 'gone'> {
  if (!SOCKET_NAME.test(basename(path))) return 'foreign'
  try {
    const found = await lstat(path)
    const isOurs = found.isSocket() && found.uid === process.getuid?.() && (await realpath(path)) === path
    return isOurs ? 'ours' : 'foreign'
  } catch {
    return 'gone'
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
