// Runs of scripts in the last minute, as the runtimes of a host told of them. Pure but for what it remembers.
import type { ScriptRuns } from '../contract/facts.ts'
import { SCRIPT_RUNS_WINDOW_MS } from '../kit/limits.ts'

export class RecentScriptRuns {
  #told: { at: number; runs: ScriptRuns }[] = []

  /** Takes what a runtime counted since it was last heard. `now` is a `performance.now()`. */
  add(runs: ScriptRuns[], now: number): void {
    this.#told.push(...runs.map((one) => ({ at: now, runs: one })))
  }

  /** The sums over the last minute, of services that had any runs; the newest problem of each. */
  list(now: number): ScriptRuns[] {
    this.#told = this.#told.filter(({ at }) => now - at < SCRIPT_RUNS_WINDOW_MS)
    const sums = new Map<string, ScriptRuns>()
    for (const { runs: one } of this.#told) {
      const sum = sums.get(one.service)
      sums.set(one.service, {
        service: one.service,
        runs: (sum?.runs ?? 0) + one.runs,
        failed: (sum?.failed ?? 0) + one.failed,
        problem: one.problem ?? sum?.problem ?? null,
      })
    }
    return [...sums.values()]
  }
}
