// What to do when a role's process has ended: a decision, no doing.
import { FIRST_START_TRIES_MAX, RESTART_MS_MAX, RESTART_MS_MIN, ROLE_WELL_MS } from '../kit/limits.ts'

export type RoleEnd = {
  /** Ends in a row before this one, without a good while of duty between. */
  failures: number
  /** It has been ready at least once since `up` started. */
  wasEverReady: boolean
  ranMs: number
}

export type Decision = { kind: 'restart'; afterMs: number; failures: number } | { kind: 'give_up'; failures: number }

/** Start it again, later each time; or give up when it never came to do its duty. */
export function decideAfterEnd(end: RoleEnd): Decision {
  const failures = end.ranMs >= ROLE_WELL_MS ? 1 : end.failures + 1
  if (!end.wasEverReady && failures >= FIRST_START_TRIES_MAX) return { kind: 'give_up', failures }
  return { kind: 'restart', afterMs: backoffMs(failures), failures }
}

/** 200 ms, 400 ms, … up to the longest. */
export function backoffMs(failures: number): number {
  return Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.max(0, failures - 1))
}
