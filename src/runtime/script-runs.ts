// How often the scripts of each service ran here and failed, from one report to the host to the next.
import type { ScriptRuns } from '../contract/facts.ts'

const PROBLEM_LENGTH_MAX = 200

export class ScriptRunCounts {
  readonly #byService = new Map<string, ScriptRuns>()

  /** Counts one run; `problem`: why it failed, for its owner. */
  note(service: string, problem: string | null): void {
    const before = this.#byService.get(service) ?? { service, runs: 0, failed: 0, problem: null }
    const told = problem === null ? before.problem : (problem.split('\n')[0] ?? '').slice(0, PROBLEM_LENGTH_MAX)
    const failed = before.failed + (problem === null ? 0 : 1)
    this.#byService.set(service, { service, runs: before.runs + 1, failed, problem: told })
  }

  /** The counts since it was last called. */
  take(): ScriptRuns[] {
    const counts = [...this.#byService.values()]
    this.#byService.clear()
    return counts
  }
}
