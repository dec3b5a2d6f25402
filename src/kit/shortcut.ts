// A way past a machine's door for a process on that same machine: straight to the unix socket that the door would lead
// to, which spares each request the encryption and a process in between. It is told through the door, and lasts as long
// as the connection that told it: whatever cuts the door, refuses a machine or ends the host ends it, too.
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { DialOptions, Door } from './door.ts'
import { DIAL_AGAIN_MS_MIN, DIAL_MS_MAX, SHORTCUT_FORGONE_MS, SHORTCUT_GONE_MS } from './limits.ts'
import { ShortcutHold } from './shortcut-hold.ts'

/** Dials through a door, or past it where the other side is on this machine and allows it. */
export class Shortcuts {
  readonly #door: Pick<Door, 'dial'>
  /** The protocol by which sockets are told. */
  readonly #protocol: string
  /** By what they lead to. */
  readonly #holds = new Map<string, Promise<ShortcutHold>>()
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
    const hold = await this.#holdTo(to, leftMs)
    const found = await hold.connect(leftMs())
    if (found === 'foreign') this.#forgo(to, SHORTCUT_FORGONE_MS)
    else if (found === 'gone') this.#forgo(to, SHORTCUT_GONE_MS)
    return typeof found === 'string' ? null : found
  }

  // One for all that dial there.
  async #holdTo(to: DialOptions, leftMs: () => number): Promise<ShortcutHold> {
    const key = `${keyOf(to)} ${to.expectName} ${to.target}`
    const known = this.#holds.get(key)
    if (known) return await known
    const forget = () => {
      if (this.#holds.get(key) === opening) this.#holds.delete(key)
    }
    const opening = this.#door.dial({ ...to, protocol: this.#protocol, timeoutMs: leftMs() }).then(
      (held) => new ShortcutHold(held, forget),
      (error: unknown) => {
        forget()
        throw error
      },
    )
    this.#holds.set(key, opening)
    return await opening
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
