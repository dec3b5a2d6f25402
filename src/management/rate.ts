// How many requests one caller may send: a bucket that fills evenly, so that bursts pass and floods do not.
import { Fault } from '../kit/fault.ts'
import { PROTOCOL_CALLERS_MAX } from '../kit/limits.ts'

type Bucket = { left: number; atMs: number }

export class RateLimit {
  readonly #burst: number
  readonly #perSecond: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(limits: { burst: number; perSecond: number }) {
    this.#burst = limits.burst
    this.#perSecond = limits.perSecond
  }

  /** Takes one request of this caller's. Faults with `http.too_many_requests`. */
  take(caller: string, nowMs: number): void {
    const filled = this.require(caller, nowMs)
    // Who calls is an attacker's choice: what they may fill is bounded.
    if (this.#buckets.size >= PROTOCOL_CALLERS_MAX) this.#buckets.clear()
    this.#buckets.set(caller, { left: filled - 1, atMs: nowMs })
  }

  /** How many this caller may send now, at least one. Faults with `http.too_many_requests`. */
  require(caller: string, nowMs: number): number {
    const { left, atMs } = this.#buckets.get(caller) ?? { left: this.#burst, atMs: nowMs }
    const filled = Math.min(this.#burst, left + (Math.max(0, nowMs - atMs) / 1_000) * this.#perSecond)
    if (filled >= 1) return filled
    throw new Fault('http.too_many_requests', 429, 'too many requests: wait a few seconds', {
      hint: `Up to ${this.#perSecond} a second are answered.`,
    })
  }
}
