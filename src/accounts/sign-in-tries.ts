// Wrong passwords, counted by name: after some of them each further try has to wait longer.
import { Fault } from '../kit/fault.ts'
import { SIGN_IN_FREE_TRIES, SIGN_IN_NAMES_MAX, SIGN_IN_WAIT_MS_MAX } from '../kit/limits.ts'

type Tries = { failures: number; notBeforeMs: number }

export class SignInTries {
  readonly #byName = new Map<string, Tries>()

  /** Faults with `account.too_many_tries` while this name has to wait. */
  require(name: string, nowMs: number): void {
    const leftMs = (this.#byName.get(name)?.notBeforeMs ?? 0) - nowMs
    if (leftMs <= 0) return
    const seconds = Math.ceil(leftMs / 1_000)
    throw new Fault('account.too_many_tries', 429, `too many wrong passwords: wait ${seconds} s`, {
      hint: 'Who is signed in already, and who has a token, is not affected.',
    })
  }

  noteFailure(name: string, nowMs: number): void {
    const failures = (this.#byName.get(name)?.failures ?? 0) + 1
    const over = failures - SIGN_IN_FREE_TRIES
    const waitMs = over < 0 ? 0 : Math.min(SIGN_IN_WAIT_MS_MAX, 1_000 * 2 ** over)
    // Names are an attacker's choice: what they may fill is bounded.
    if (!this.#byName.has(name) && this.#byName.size >= SIGN_IN_NAMES_MAX) this.#byName.clear()
    this.#byName.set(name, { failures, notBeforeMs: nowMs + waitMs })
  }

  forget(name: string): void {
    this.#byName.delete(name)
  }
}
