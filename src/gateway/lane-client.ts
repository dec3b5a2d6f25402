// One connection of a client in the fast lane: its requests are carried one after the other, until one is not plain, or
// comes before its client has the answer to the one before: few do that, and Node's server is made for them.
import type { Socket } from 'node:net'
import { LANE_WAIT_MS } from '../kit/limits.ts'
import { REQUEST_ID_HEADER, requestIdOf } from '../kit/request-id.ts'
import { LaneExchange } from './lane-exchange.ts'
import { openWayOf } from './lane-way.ts'
import { type PlainHead, scanPlainHead } from './plain-head.ts'
import type { PublicDeps } from './public-server.ts'

// As Node's server says it to who ends in the middle of a request.
const EMPTY = Buffer.alloc(0)
const CUT_SHORT = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'

export type LaneClientDeps = PublicDeps & {
  /** How long a connection is kept without a request, as its client is told, and as it is. */
  keepAliveMs: { told: number; real: number }
  /** Takes the connection over, with all that was not taken from it. */
  handOver: (socket: Socket) => void
  onError: (error: unknown, requestId: string | null) => void
  onGone: (client: LaneClient) => void
}

export class LaneClient {
  readonly #socket: Socket
  readonly #deps: LaneClientDeps
  readonly #remoteAddress: string | undefined
  #bytes: Buffer | null = null
  /** Of the request that is not wholly there yet. */
  #head: PlainHead | null = null
  #exchange: LaneExchange | null = null
  #wasAnswered = false
  /** When it began to wait for what it waits for now. */
  #since = performance.now()

  constructor(socket: Socket, deps: LaneClientDeps) {
    this.#socket = socket
    this.#deps = deps
    this.#remoteAddress = socket.remoteAddress
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onClose)
    socket.on('error', this.#onError)
  }

  /** Ends what takes too long; gives to Node's server who does not get on. */
  sweep(now: number): void {
    const waitedMs = now - this.#since
    if (this.#exchange) this.#exchange.sweep(now)
    else if (this.#socket.writableLength > 0) this.#since = now
    else if (this.#bytes !== null || !this.#wasAnswered) {
      if (waitedMs >= LANE_WAIT_MS) this.#handOver()
    } else if (waitedMs >= this.#deps.keepAliveMs.real) this.#socket.destroy()
  }

  /** Ends the connection with whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
  }

  #onData = (chunk: Buffer): void => {
    if (this.#bytes === null && this.#exchange === null) this.#since = performance.now()
    this.#bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk])
    // Sent ahead: it waits for the answer that is under way, and is handed over then.
    if (this.#exchange) this.#socket.pause()
    else if (this.#socket.writableNeedDrain) this.#handOver()
    else this.#goOn()
  }

  #onDrain = (): void => this.#exchange?.resume()

  // Node's server takes the end of what a client sends as the end of its interest in answers, too.
  #onEnd = (): void => {
    const isCutShort = this.#exchange === null && this.#bytes !== null
    this.#exchange?.leave()
    if (isCutShort) this.#socket.write(CUT_SHORT)
    this.#socket.end()
  }

  #onClose = (): void => {
    this.#exchange?.leave()
    this.#deps.onGone(this)
  }

  // `close` follows.
  #onError = (): void => {}

  // Takes the next request out of what has come.
  #goOn(): void {
    try {
      this.#takeNext()
    } catch (error) {
      this.#failWith(error, null)
    }
  }

  #failWith(error: unknown, requestId: string | null): void {
    this.#deps.onError(error, requestId)
    this.#socket.destroy()
  }

  #takeNext(): void {
    const bytes = this.#bytes
    if (bytes === null) return
    const head = this.#head ?? scanPlainHead(bytes)
    if (head === 'hand over') this.#handOver()
    else if (head !== null) {
      this.#head = head
      const wholeBytes = head.headBytes + head.bodyBytes
      if (bytes.length >= wholeBytes) this.#carry(head, bytes, wholeBytes)
    }
  }

  #carry(head: PlainHead, bytes: Buffer, wholeBytes: number): void {
    const socket = this.#socket
    const way = openWayOf({ ...head, socket }, this.#deps)
    if (way === null) {
      this.#handOver()
      return
    }
    this.#head = null
    this.#bytes = bytes.length === wholeBytes ? null : bytes.subarray(wholeBytes)
    const requestId = requestIdOf(head.headers[REQUEST_ID_HEADER])
    const carried = {
      route: way.route,
      destination: way.destination,
      isSecure: way.isSecure,
      head,
      requestId,
      socket,
      remoteAddress: this.#remoteAddress,
      startedAt: this.#since,
      keepAliveMs: this.#deps.keepAliveMs.told,
      onError: (error: unknown) => this.#failWith(error, requestId),
    }
    this.#exchange = new LaneExchange(carried, this.#deps, this.#onAnswered)
    this.#exchange.begin(this.#deps.routes.linesTo(way.route), bytes.subarray(head.headBytes, wholeBytes))
  }

  #onAnswered = (): void => {
    this.#exchange = null
    this.#wasAnswered = true
    this.#since = performance.now()
    if (this.#bytes !== null && !this.#socket.destroyed) this.#handOver()
  }

  #handOver(): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
    socket.off('error', this.#onError)
    this.#deps.onGone(this)
    // First: what it schedules has to come before what `unshift` does. Otherwise Node's server, which reads past the
    // stream, gets what comes next before what lies in the stream yet.
    socket.resume()
    const buffered = socket.readableLength > 0 ? (socket.read() as Buffer | null) : null
    const bytes = Buffer.concat([this.#bytes ?? EMPTY, buffered ?? EMPTY])
    this.#bytes = null
    if (bytes.length > 0) socket.unshift(bytes)
    this.#deps.handOver(socket)
  }
}
