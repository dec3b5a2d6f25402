// Kept connections to one runtime, for the gateway's fast lane: each carries one request at a time, as it is written.
import type { Socket } from 'node:net'
import { GATEWAY_KEPT_MS_MAX, GATEWAY_POOL_CONNECTIONS_MAX, GATEWAY_QUEUE_MAX } from '../kit/limits.ts'

/** What is carried: a request, and whoever waits for its answer. */
export type Passenger = {
  /** It has a line, which is written this next: head and body. */
  board: (line: RuntimeLine) => Buffer
  /** A part of what comes back. It says when the answer is over, by `release` or `break` of its line. */
  take: (bytes: Buffer) => void
  /** There was no line to be had, or it broke. Never after `take` or `board` have given the line up. */
  fail: (error: Error) => void
}

export class RuntimeLines {
  readonly #dial: () => Promise<Socket>
  readonly #lines = new Set<RuntimeLine>()
  /** The one that was used last is used next: those that are too many get old. */
  readonly #free: RuntimeLine[] = []
  /** In the order in which they came. */
  readonly #waiting = new Set<Passenger>()
  readonly #ended = Promise.withResolvers<void>()
  #dialling = 0
  #state: 'open' | 'draining' | 'closed' = 'open'

  constructor(dial: () => Promise<Socket>) {
    this.#dial = dial
  }

  /** Carries it on the next line that is free. False: too many wait for one. */
  send(passenger: Passenger): boolean {
    if (this.#state === 'closed') {
      passenger.fail(closedError())
      return true
    }
    const line = this.#takeFree()
    if (!line && this.#waiting.size >= GATEWAY_QUEUE_MAX) return false
    if (line) {
      line.carry(passenger)
    } else {
      this.#waiting.add(passenger)
      this.#dialWhereNeeded()
    }
    return true
  }

  /** Nobody waits any more for one that has no line yet. */
  forget(passenger: Passenger): void {
    this.#waiting.delete(passenger)
    this.#endIfDrained()
  }

  /** Carries what was given to it, and ends when that is over. */
  async drain(): Promise<void> {
    if (this.#state === 'open') this.#state = 'draining'
    for (const line of this.#free.splice(0)) line.break()
    this.#endIfDrained()
    await this.#ended.promise
  }

  /** Breaks off all that is under way. */
  destroy(): void {
    this.#state = 'closed'
    const error = closedError()
    for (const line of [...this.#lines]) line.break(error)
    for (const passenger of [...this.#waiting]) this.#refuse(passenger, error)
    this.#endIfDrained()
  }

  #takeFree(): RuntimeLine | null {
    for (let line = this.#free.pop(); line; line = this.#free.pop()) {
      if (line.isGood()) return line
      line.break()
    }
    return null
  }

  // Each that waits is owed a line: one that becomes free, or a new one.
  #dialWhereNeeded(): void {
    while (this.#dialling < this.#waiting.size && this.#lines.size + this.#dialling < GATEWAY_POOL_CONNECTIONS_MAX) {
      if (this.#state === 'closed') return
      this.#dialling += 1
      this.#dial().then(
        (socket) => this.#open(socket),
        (error: unknown) => this.#failToOpen(error instanceof Error ? error : new Error(String(error))),
      )
    }
  }

  #open(socket: Socket): void {
    this.#dialling -= 1
    if (this.#state === 'closed' || socket.destroyed) {
      socket.destroy()
      this.#dialWhereNeeded()
      return
    }
    const line = new RuntimeLine(socket, {
      onFree: () => this.#useAgain(line),
      onGone: () => this.#lose(line),
    })
    this.#lines.add(line)
    this.#useAgain(line)
  }

  #failToOpen(error: Error): void {
    this.#dialling -= 1
    const [first] = this.#waiting
    // One for each line that was not to be had: the others may get one that becomes free.
    if (first) this.#refuse(first, error)
    this.#dialWhereNeeded()
    this.#endIfDrained()
  }

  #refuse(passenger: Passenger, error: Error): void {
    this.#waiting.delete(passenger)
    passenger.fail(error)
  }

  #useAgain(line: RuntimeLine): void {
    const [first] = this.#waiting
    if (first) {
      this.#waiting.delete(first)
      line.carry(first)
    } else if (this.#state === 'open') {
      this.#free.push(line)
    } else {
      line.break()
    }
  }

  #lose(line: RuntimeLine): void {
    this.#lines.delete(line)
    const at = this.#free.indexOf(line)
    if (at >= 0) this.#free.splice(at, 1)
    this.#dialWhereNeeded()
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    const isOver = this.#lines.size === 0 && this.#waiting.size === 0
    if (this.#state !== 'open' && isOver) this.#ended.resolve()
  }
}

function closedError(): Error {
  return new Error('the way to the runtime was closed')
}

/** One of them. */
export class RuntimeLine {
  readonly #socket: Socket
  readonly #onFree: () => void
  readonly #onGone: () => void
  #passenger: Passenger | null = null
  #freeSince = performance.now()
  #error: Error | null = null
  #isGone = false

  constructor(socket: Socket, { onFree, onGone }: { onFree: () => void; onGone: () => void }) {
    this.#socket = socket
    this.#onFree = onFree
    this.#onGone = onGone
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('end', () => this.break(new Error('the runtime ended the connection')))
    socket.on('close', () => this.break(this.#error ?? new Error('the connection to the runtime broke')))
    socket.on('data', (bytes: Buffer) => {
      // What nobody has asked for belongs to nobody.
      if (this.#passenger) this.#passenger.take(bytes)
      else this.break()
    })
  }

  /** True when a request may be sent on it: neither its end nor its age speaks against that. */
  isGood(): boolean {
    return !this.#isGone && this.#socket.writable && performance.now() - this.#freeSince < GATEWAY_KEPT_MS_MAX
  }

  carry(passenger: Passenger): void {
    this.#passenger = passenger
    this.#socket.write(passenger.board(this))
  }

  /** The answer is over, and the connection good for the next: a turn later, if nothing comes behind the answer. */
  release(): void {
    this.#passenger = null
    this.#freeSince = performance.now()
    setImmediate(() => {
      if (!this.#isGone) this.#onFree()
    })
  }

  /** Ends the connection; whoever is on it is told when there is an error. */
  break(error: Error | null = null): void {
    if (this.#isGone) return
    this.#isGone = true
    const passenger = this.#passenger
    this.#passenger = null
    this.#socket.destroy()
    this.#onGone()
    if (error) passenger?.fail(error)
  }

  /** Reads no further until `resume`: its client is slower. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }
}
