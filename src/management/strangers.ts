// Who is not known yet: an address may try only so often, since what it tries may be tokens. What was good before is
// always looked up: others behind the same address are not to suffer.
import { Fault } from '../kit/fault.ts'
import { PROTOCOL_CALLERS_MAX, PROTOCOL_STRANGERS_RATE } from '../kit/limits.ts'
import { RateLimit } from './rate.ts'

export class Strangers {
  readonly #tries = new RateLimit(PROTOCOL_STRANGERS_RATE)
  /** Hashes of certificates and tokens, as they were shown. */
  readonly #good = new Set<string>()

  /** Looks up who calls, unless the address has no try left. Faults with `http.too_many_requests`, and as `lookUp`. */
  async admit<T>(from: { address: string; shown: string | null }, lookUp: () => Promise<T>): Promise<T> {
    const { address, shown } = from
    if (shown === null || !this.#good.has(shown)) this.#tries.require(address, Date.now())
    try {
      const caller = await lookUp()
      if (shown !== null) this.#remember(shown)
      return caller
    } catch (error) {
      // A fault of ours is none of theirs.
      if (!(error instanceof Fault && (error.status === 401 || error.status === 403))) throw error
      if (shown !== null) this.#good.delete(shown)
      this.#tries.take(address, Date.now())
      throw error
    }
  }

  #remember(shown: string): void {
    if (this.#good.size >= PROTOCOL_CALLERS_MAX) this.#good.clear()
    this.#good.add(shown)
  }
}
