// This process among several: says that it is there, and does the executor's duties for as long as it is the one.
import { pause } from '../kit/clock.ts'
import { CONTROL_PRESENT_EVERY_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { Db } from './database.ts'
import { electionRound, notePresence, resign, type Self } from './election.ts'
import type { TermGuard } from './term-guard.ts'

export type ExecutorDeps = {
  db: Db
  guard: TermGuard
  log: Log
  self: () => Promise<Self>
  isAlone: boolean
  /** Does the duties until the signal; resolves when all have ended. */
  reign: (signal: AbortSignal) => Promise<void>
}

export class Executor {
  readonly #deps: ExecutorDeps
  readonly #id: string
  #reign: { aborter: AbortController; done: Promise<void> } | null = null
  #isAnswering = true

  constructor(id: string, deps: ExecutorDeps) {
    this.#id = id
    this.#deps = deps
  }

  /** The signal of the duties that go on now; null while this process stands by. */
  get reigning(): AbortSignal | null {
    return this.#reign?.aborter.signal ?? null
  }

  /** Looks once, and says in how many milliseconds to look again; faults when the database does not answer. */
  async round(): Promise<number> {
    const { db, guard, isAlone, log } = this.#deps
    await notePresence(db, await this.#deps.self())
    const { term, lookAgainMs } = await electionRound(db, { id: this.#id, term: guard.term, isAlone })
    if (term === guard.term) return lookAgainMs
    await this.#end()
    guard.term = term
    log.info({ term }, term === null ? 'another control process executes; standing by' : 'executing')
    if (term === null) return lookAgainMs
    const aborter = new AbortController()
    const done = this.#deps.reign(aborter.signal).catch((error) => log.error({ err: error }, 'the duties ended'))
    this.#reign = { aborter, done }
    return lookAgainMs
  }

  /** Looks again and again. */
  async watch(signal: AbortSignal): Promise<void> {
    let lookAgainMs = CONTROL_PRESENT_EVERY_MS
    while (!signal.aborted) {
      try {
        lookAgainMs = await this.round()
        this.#isAnswering = true
      } catch (error) {
        // While the database is away nothing can be written: who executes is decided when it is back.
        if (this.#isAnswering) this.#deps.log.warn({ err: error }, 'cannot tell who executes')
        this.#isAnswering = false
      }
      await pause(lookAgainMs, signal)
    }
  }

  /** Ends the duties and leaves them to others. */
  async stop(): Promise<void> {
    await this.#end()
    const { db, guard } = this.#deps
    // Without the database the others find out by our silence.
    await resign(db, { id: this.#id, term: guard.term }).catch(() => {})
    guard.term = null
  }

  async #end(): Promise<void> {
    const reign = this.#reign
    this.#reign = null
    reign?.aborter.abort()
    await reign?.done
  }
}
