// What changes, told to whoever listens: names of topics, so that only what is shown is asked again.
import { isDeepStrictEqual } from 'node:util'
import type { Topic } from '../contract/api.ts'
import { pause } from '../kit/clock.ts'
import { EVENTS_LOOK_EVERY_MS, EVENTS_REST_MS } from '../kit/limits.ts'
import type { Changes } from './changes.ts'

type Snapshot = Record<Topic, unknown>
type Listener = (topics: Topic[]) => void

export class LiveFeed {
  readonly #read: () => Promise<Snapshot>
  readonly #changes: Changes
  readonly #onError: (error: unknown) => void
  readonly #listeners = new Set<Listener>()
  #looking: Promise<void> | null = null

  /** `read` gives what is to be told apart; it is called again and again while anybody listens, and not otherwise. */
  constructor(options: { read: () => Promise<Snapshot>; changes: Changes; onError: (error: unknown) => void }) {
    this.#read = options.read
    this.#changes = options.changes
    this.#onError = options.onError
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  /** Calls the listener with what has changed, until the answer is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    return () => void this.#listeners.delete(listener)
  }

  async #look(): Promise<void> {
    let seen: Snapshot | null = null
    while (this.#listeners.size > 0) {
      try {
        const now = await this.#read()
        const changed = seen === null ? [] : topicsOf(seen, now)
        if (changed.length > 0) for (const listener of this.#listeners) listener(changed)
        seen = now
      } catch (error) {
        // The control database may be away for a moment; who listens finds that out by asking.
        this.#onError(error)
      }
      await this.#rest()
    }
  }

  // Woken by a change of ours, soon; that others made one, or facts came in, is seen by looking.
  async #rest(): Promise<void> {
    await pause(EVENTS_REST_MS)
    await this.#changes.next(EVENTS_LOOK_EVERY_MS - EVENTS_REST_MS)
  }
}

function topicsOf(before: Snapshot, now: Snapshot): Topic[] {
  const topics = Object.keys(now) as Topic[]
  return topics.filter((topic) => !isDeepStrictEqual(before[topic], now[topic]))
}
