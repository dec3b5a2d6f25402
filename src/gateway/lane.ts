// A fast lane in front of Node's HTTP server: plain requests to open services are carried on raw sockets, at a fraction
// of the work. Every connection that brings anything else is that server's from then on, with all its bytes.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { LANE_SWEEP_EVERY_MS } from '../kit/limits.ts'
import { LaneClient, type LaneClientDeps } from './lane-client.ts'
import type { PublicDeps } from './public-server.ts'

export class Lane {
  readonly #clients = new Set<LaneClient>()
  readonly #sweeping: NodeJS.Timeout
  readonly #deps: LaneClientDeps
  #isClosed = false

  /** Stands before the server from now on. Connections that are open are the server's. */
  constructor(server: Server, deps: PublicDeps & Pick<LaneClientDeps, 'onError'>) {
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => this.#accept(socket))
    const told = server.keepAliveTimeout
    this.#deps = {
      ...deps,
      // A little longer than said, as the server has it: a request may be on its way.
      keepAliveMs: { told, real: told + server.keepAliveTimeoutBuffer },
      handOver: (socket) => {
        for (const listener of listeners) listener.call(server, socket)
        // It may have been told to wait.
        socket.resume()
      },
      onGone: (client) => this.#clients.delete(client),
    }
    this.#sweeping = setInterval(() => this.#sweep(), LANE_SWEEP_EVERY_MS)
    this.#sweeping.unref()
  }

  /** Connections that are in it. */
  get size(): number {
    return this.#clients.size
  }

  /** Ends all that is open. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeping)
    for (const client of this.#clients) client.destroy()
  }

  #accept(socket: Socket): void {
    if (this.#isClosed) socket.destroy()
    else this.#clients.add(new LaneClient(socket, this.#deps))
  }

  #sweep(): void {
    const now = performance.now()
    for (const client of this.#clients) client.sweep(now)
  }
}
