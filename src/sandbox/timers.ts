// The timers of a call, or of modules: counted, bounded, and ended together.

export class Timers {
  readonly #max: number
  readonly #onIdle: () => void
  readonly #onRefused: () => void
  readonly #timers = new Set<NodeJS.Timeout | NodeJS.Immediate>()

  #isEnded = false

  /** `onIdle`: one ended, or was cleared. `onRefused`: one did not begin, since all were ended. */
  constructor({ max, onIdle, onRefused = () => {} }: { max: number; onIdle: () => void; onRefused?: () => void }) {
    this.#max = max
    this.#onIdle = onIdle
    this.#onRefused = onRefused
  }

  get count(): number {
    return this.#timers.size
  }

  setTimeout = (work: () => void, ms?: number): unknown => this.#once((then) => setTimeout(then, ms), work)

  setImmediate = (work: () => void): unknown => this.#once((then) => setImmediate(then), work)

  setInterval = (work: () => void, ms?: number): unknown => this.#keep(() => setInterval(work, ms))

  /** Clears one by its object or its number; others mean nothing. */
  clear = (given: unknown): void => {
    for (const timer of this.#timers) {
      if (timer !== given && Number(timer) !== given) continue
      clearTimer(timer)
      this.#timers.delete(timer)
    }
    this.#onIdle()
  }

  /** Ends all of them, for good: none begins any more. */
  end(): void {
    this.#isEnded = true
    for (const timer of this.#timers) clearTimer(timer)
    this.#timers.clear()
  }

  #once(make: (work: () => void) => NodeJS.Timeout | NodeJS.Immediate, work: () => void): unknown {
    const timer = this.#keep(() =>
      make(() => {
        this.#timers.delete(timer)
        work()
        this.#onIdle()
      }),
    )
    return timer
  }

  #keep<T extends NodeJS.Timeout | NodeJS.Immediate>(make: () => T): T {
    if (this.#timers.size >= this.#max) throw new RangeError(`A script may have at most ${this.#max} timers at once.`)
    const timer = make()
    if (this.#isEnded) {
      // Scripts get one all the same: a throw here may be nobody's, and would end the whole sandbox.
      clearTimer(timer)
      this.#onRefused()
    } else this.#timers.add(timer)
    return timer
  }
}

function clearTimer(timer: NodeJS.Timeout | NodeJS.Immediate): void {
  if ('hasRef' in timer && 'refresh' in timer) clearTimeout(timer)
  else clearImmediate(timer as NodeJS.Immediate)
}
