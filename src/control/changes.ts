// Waiting for something to change: a long poll is answered when there is news, or when its time is up.
import { EventEmitter, once } from 'node:events'

// Another control process may have made the change: look without being woken, too.
const LOOK_EVERY_MS = 250

export class Changes {
  readonly #events = new EventEmitter().setMaxListeners(0)

  /** Wakes everyone who waits. */
  announce(): void {
    this.#events.emit('change')
  }

  /** Waits for the next change that is announced here, at most `withinMs`. */
  async next(withinMs: number): Promise<void> {
    await once(this.#events, 'change', { signal: AbortSignal.timeout(withinMs) }).catch(() => [])
  }

  /** Reads until it is news, at most `withinMs`; the last reading is the answer. */
  async waitUntil<T>(read: () => Promise<T>, options: { isNews: (value: T) => boolean; withinMs: number }): Promise<T> {
    const deadline = performance.now() + options.withinMs
    for (;;) {
      const timer = AbortSignal.timeout(LOOK_EVERY_MS)
      // Listening begins before reading, so that a change between the two is not missed.
      const changed = once(this.#events, 'change', { signal: timer }).catch(() => [])
      const value = await read()
      if (options.isNews(value) || performance.now() >= deadline) return value
      await changed
    }
  }
}
