// How long this process has been awake. Who did not listen cannot say that others were silent.
import { AWAKE_STEP_MS_MAX, AWAKE_TICK_MS } from './limits.ts'

/** Counts the time in which this process ran: a pause of it, however long, counts as one step. */
export class AwakeClock {
  readonly #realNow: () => number
  #last: number
  #awakeMs = 0

  constructor(realNow: () => number) {
    this.#realNow = realNow
    this.#last = realNow()
  }

  /** Milliseconds awake since the clock was made. Must be asked at least every AWAKE_TICK_MS to see pauses. */
  now(): number {
    const real = this.#realNow()
    this.#awakeMs += Math.min(real - this.#last, AWAKE_STEP_MS_MAX)
    this.#last = real
    return this.#awakeMs
  }
}

const ours = new AwakeClock(() => performance.now())
setInterval(() => ours.now(), AWAKE_TICK_MS).unref()

/** Milliseconds that this process has been awake, for the age of what it heard. */
export function awakeMs(): number {
  return ours.now()
}
