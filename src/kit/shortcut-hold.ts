// A connection through a door that tells, as often as it is asked, which unix socket leads on, and on which all hangs
// that was connected to those sockets. What is said on it: an empty line asks, a line with a path answers; an empty one
// answers that nothing listens now, and `-` that there is no way past this door.
import { lstat, realpath } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { basename } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { Fault } from './fault.ts'
import { randomId } from './identifiers.ts'
import { SHORTCUT_PATH_BYTES_MAX } from './limits.ts'

/** What sockets are called to which shortcuts lead: a name that nothing else on a machine has. */
const SOCKET_NAME = /^[0-9a-f]{8}\.sock$/
const ASK = '\n'
const NONE_HERE = '-\n'
const LINE_END = 0x0a

/** A name for a socket that shortcuts may lead to; nobody else has it. */
export function newSocketName(): string {
  return `${randomId(4)}.sock`
}

/**
 * Tells whoever has dialled which socket leads on, as often as it asks. Only on the same machine, where no network lies
 * between the two. `findPath`: null while nothing listens.
 */
export function tellShortcuts(asking: TLSSocket, findPath: () => string | null): void {
  const isNear = asking.remoteAddress !== undefined && asking.remoteAddress === asking.localAddress
  asking.on('data', (asked: Buffer) => {
    if (!isNear) {
      asking.end(NONE_HERE)
      return
    }
    let answer = ''
    for (const byte of asked) if (byte === LINE_END) answer += `${findPath() ?? ''}\n`
    // Who does not read what was answered is asked no further.
    if (!asking.write(answer)) asking.pause()
  })
  asking.on('drain', () => asking.resume())
}

/** Why there is no connection: nothing for us at that door, a socket that is not there, or nobody who tells one now. */
export type NoShortcut = 'foreign' | 'gone' | 'none'

export class ShortcutHold {
  readonly #held: TLSSocket
  readonly #onEnd: () => void
  /** In the order in which they have asked. */
  readonly #asking: ((path: string | null) => void)[] = []
  readonly #sockets = new Set<Socket>()
  /** Connections, and those that are being made: it ends with the last of them. */
  #uses = 0
  #bytes: Buffer = Buffer.alloc(0)

  /** `held`: just dialled. `onEnd`: nothing is to be had of it any more. */
  constructor(held: TLSSocket, onEnd: () => void) {
    this.#held = held
    this.#onEnd = onEnd
    held.on('data', (bytes: Buffer) => this.#take(bytes))
    // Also where it is over before anybody listens.
    if (held.destroyed) this.#end()
    else held.once('close', () => this.#end())
    held.once('end', () => held.destroy())
  }

  /** A connection to where it leads now. Faults with `door.unreachable` when that is not told in time. */
  async connect(timeoutMs: number): Promise<Socket | NoShortcut> {
    this.#uses += 1
    const found = await this.#find(timeoutMs).catch((error: unknown) => {
      this.#leave()
      throw error
    })
    const isOver = this.#held.destroyed
    if (typeof found !== 'string' && !isOver) return this.#keep(found)
    if (typeof found !== 'string') found.destroy()
    this.#leave()
    // Where it is over, a socket that is not there is no wonder.
    return found === 'foreign' || (found === 'gone' && !isOver) ? found : 'none'
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#leave()
    })
    return socket
  }

  async #find(timeoutMs: number): Promise<Socket | NoShortcut> {
    const path = await this.#ask(timeoutMs)
    if (path === null || path === '') return 'none'
    const found = await look(path)
    return found === 'ours' ? ((await connected(path)) ?? 'gone') : found
  }

  // The next path; null when it ends before.
  async #ask(timeoutMs: number): Promise<string | null> {
    if (this.#held.destroyed) return null
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Fault('door.unreachable', 503, `no word of a shortcut within ${timeoutMs} ms`)),
        timeoutMs,
      )
      // One that has waited too long keeps its place: its answer may come yet.
      this.#asking.push((path) => {
        clearTimeout(timer)
        resolve(path)
      })
      this.#held.write(ASK)
    })
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (let end = this.#bytes.indexOf(LINE_END); end >= 0; end = this.#bytes.indexOf(LINE_END)) {
      this.#asking.shift()?.(this.#bytes.toString('utf8', 0, end))
      this.#bytes = this.#bytes.subarray(end + 1)
    }
    if (this.#bytes.length > SHORTCUT_PATH_BYTES_MAX) this.#held.destroy()
  }

  #leave(): void {
    this.#uses -= 1
    if (this.#uses > 0) return
    // Before its end is noticed: nobody is to find it any more.
    this.#onEnd()
    this.#held.destroy()
  }

  #end(): void {
    this.#onEnd()
    for (const take of this.#asking.splice(0)) take(null)
    for (const socket of this.#sockets) socket.destroy()
  }
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
