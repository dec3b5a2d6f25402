// What this machine lacks of what it is to run, by hash: fetched from control, and again until it is here.
import { pause, repeat } from '../kit/clock.ts'
import { SCRIPT_FETCHES_MAX, SCRIPT_RETRY_MS, SCRIPT_WAIT_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'

type Options = {
  log: Log
  /** For the log: `texts of scripts`. */
  what: string
  /** Fetches one; when it returns, that is here. */
  fetch: (hash: string, name: string) => Promise<void>
}

export class Missing {
  readonly #options: Options
  readonly #aborter = new AbortController()
  #wanted = new Map<string, string>()
  #isTrying = false
  /** Those that are just being fetched: large ones take a while. */
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(options: Options) {
    this.#options = options
  }

  get hashes(): string[] {
    return [...this.#wanted.keys()]
  }

  /**
   * Fetches these (names by hash) in place of those that were missing before, and waits for it a moment only: what
   * cannot be had must not keep services from being served. It is asked for again until it is here.
   */
  async fetch(missing: Map<string, string>): Promise<void> {
    this.#wanted = missing
    if (missing.size === 0) return
    const aborter = new AbortController()
    // Each is tried once; who waits longer than that would wait for a control that is gone.
    await Promise.race([this.#fetchOnce(), pause(SCRIPT_WAIT_MS_MAX, aborter.signal)])
    aborter.abort()
    if (this.#wanted.size > 0) this.#keepTrying()
  }

  stop(): void {
    this.#aborter.abort()
  }

  #keepTrying(): void {
    if (this.#isTrying) return
    this.#isTrying = true
    const { log, what } = this.#options
    log.warn({ missing: [...this.#wanted.values()] }, `${what} are missing, trying again until they are here`)
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#aborter.signal])
    const onError = (error: unknown) => log.debug({ err: error }, `one of the ${what} could not be fetched`)
    repeat({ everyMs: SCRIPT_RETRY_MS, signal, onError }, async () => {
      const failed = (await this.#fetchOnce()).find((result) => result.status === 'rejected')
      if (this.#wanted.size === 0) done.abort()
      if (failed) throw failed.reason
    })
      .catch(onError)
      .finally(() => {
        this.#isTrying = false
        // Another assignment may have come just when the last one did.
        if (this.#wanted.size > 0 && !this.#aborter.signal.aborted) this.#keepTrying()
      })
  }

  async #fetchOnce(): Promise<PromiseSettledResult<void>[]> {
    const queue = [...this.#wanted]
    const results: PromiseSettledResult<void>[] = []
    while (queue.length > 0) {
      const part = queue.splice(0, SCRIPT_FETCHES_MAX)
      results.push(...(await Promise.allSettled(part.map(async ([hash, name]) => await this.#fetchOne(hash, name)))))
    }
    return results
  }

  async #fetchOne(hash: string, name: string): Promise<void> {
    const fetching = this.#underWay.get(hash) ?? this.#options.fetch(hash, name)
    this.#underWay.set(hash, fetching)
    await fetching.finally(() => this.#underWay.delete(hash))
    this.#wanted.delete(hash)
  }
}
