// Hosts that were not reached a moment ago: whoever names one again is told so at once, so that many devices of a host
// that hangs cost no more time than one.
import { Fault } from '../kit/fault.ts'
import { PUSH_AWAY_HOSTS_MAX, PUSH_AWAY_MS } from '../kit/limits.ts'

export class AwayHosts {
  readonly #untilMs = new Map<string, number>()

  /** Does the work, unless the host is known to be away. What the work throws counts as being away. */
  async guarded<T>(host: string, work: () => Promise<T>): Promise<T> {
    if (performance.now() < (this.#untilMs.get(host) ?? 0)) {
      throw new Fault('egress.failed', 502, `${host} could not be reached a moment ago`)
    }
    try {
      const result = await work()
      this.#untilMs.delete(host)
      return result
    } catch (error) {
      this.#note(host)
      throw error
    }
  }

  #note(host: string): void {
    const [oldest] = this.#untilMs.keys()
    if (this.#untilMs.size >= PUSH_AWAY_HOSTS_MAX && oldest !== undefined) this.#untilMs.delete(oldest)
    this.#untilMs.set(host, performance.now() + PUSH_AWAY_MS)
  }
}
