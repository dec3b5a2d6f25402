// Requests that wait for something long to end: each holds a connection and looks again and again, so they are bounded.
import { Fault } from '../kit/fault.ts'
import {
  PROTOCOL_WAIT_EVERY_MS,
  PROTOCOL_WAIT_QUICK_MS,
  PROTOCOL_WAIT_SLOW_EVERY_MS,
  PROTOCOL_WAITERS_MAX,
  PROTOCOL_WAITERS_PER_CALLER,
} from '../kit/limits.ts'

export class Waiters {
  readonly #byCaller = new Map<string, number>()
  #count = 0

  /** Waits for a caller, together with what is begun for it. Faults with `http.too_many_requests` before anything is. */
  async hold<T>(caller: string, wait: () => Promise<T>): Promise<T> {
    const own = this.#byCaller.get(caller) ?? 0
    if (own >= PROTOCOL_WAITERS_PER_CALLER || this.#count >= PROTOCOL_WAITERS_MAX) {
      throw new Fault('http.too_many_requests', 429, 'too many requests wait for their answers', {
        hint: 'Ask again when some have come.',
      })
    }
    this.#add(caller, 1)
    try {
      return await wait()
    } finally {
      this.#add(caller, -1)
    }
  }

  #add(caller: string, change: 1 | -1): void {
    const own = (this.#byCaller.get(caller) ?? 0) + change
    if (own === 0) this.#byCaller.delete(caller)
    else this.#byCaller.set(caller, own)
    this.#count += change
  }
}

/** When one that has waited for so long looks again: most things end soon. */
export function lookAgainMs(waitedMs: number): number {
  return waitedMs < PROTOCOL_WAIT_QUICK_MS ? PROTOCOL_WAIT_EVERY_MS : PROTOCOL_WAIT_SLOW_EVERY_MS
}
