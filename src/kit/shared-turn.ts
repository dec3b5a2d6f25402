// Work that many want at once, and that is as good for all of them as for one, if it begins after they asked.

/**
 * Runs one piece of work at a time. Whoever asks while it runs shares the next run with all others who do: what they
 * asked after is seen by a run that began later, and a hundred who ask cost two runs.
 */
export class SharedTurn<T> {
  readonly #work: () => Promise<T>
  #running: Promise<T> | null = null
  #next: Promise<T> | null = null

  constructor(work: () => Promise<T>) {
    this.#work = work
  }

  /** The result of a run that begins now or later. Faults as that run does. */
  async take(): Promise<T> {
    if (!this.#running && !this.#next) return await this.#run()
    this.#next ??= Promise.resolve(this.#running)
      .catch(() => {})
      .then(async () => {
        this.#next = null
        return await this.#run()
      })
    return await this.#next
  }

  async #run(): Promise<T> {
    this.#running = this.#work()
    try {
      return await this.#running
    } finally {
      this.#running = null
    }
  }
}
