// Requests that wait at the gateway while their service is moved as planned. Their bodies stay unread meanwhile.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HOLD_MS_MAX, HOLD_REQUESTS_MAX } from '../kit/limits.ts'
import { whenClosed } from './closing.ts'

/** `open`: the service is there again. `gone`: the client hung up. `full` and `late`: to be answered 503. */
export type HoldEnd = 'open' | 'gone' | 'full' | 'late'

export class Holds {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()
  #waiting = 0

  /** Takes the complete list of services that are held; the requests of the others go on. */
  set(services: Set<string>): void {
    for (const [service, gate] of this.#gates) {
      if (services.has(service)) continue
      this.#gates.delete(service)
      gate.resolve()
    }
    for (const service of services) if (!this.#gates.has(service)) this.#gates.set(service, Promise.withResolvers())
  }

  /** True while requests of a service wait here. */
  has(service: string): boolean {
    return this.#gates.has(service)
  }

  /** Waits until a service is no longer held; at once when it is not. */
  async wait(service: string, request: IncomingMessage, response: ServerResponse): Promise<HoldEnd> {
    const gate = this.#gates.get(service)
    if (!gate) return 'open'
    if (this.#waiting >= HOLD_REQUESTS_MAX) return 'full'
    const ended = Promise.withResolvers<HoldEnd>()
    const timer = setTimeout(() => ended.resolve('late'), HOLD_MS_MAX)
    const stopWatching = whenClosed(request, response, () => ended.resolve('gone'))
    this.#waiting += 1
    try {
      return await Promise.race([ended.promise, gate.promise.then((): HoldEnd => 'open')])
    } finally {
      this.#waiting -= 1
      clearTimeout(timer)
      stopWatching()
    }
  }
}
