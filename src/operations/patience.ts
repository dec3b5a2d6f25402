// How long a step goes on asking what does not answer, over restarts of control too.
import { STEP_MS_MAX } from '../kit/limits.ts'

/** Part of an operation's facts: since when there was no answer, by control's wall clock. */
export type Patience = { silentSince?: number | null }

/** True once there was no answer for so long; `facts` remembers since when, and forgets it with the next answer. */
export function isOutOfPatience(facts: Patience, isSilent: boolean, forMs = STEP_MS_MAX): boolean {
  if (!isSilent) {
    facts.silentSince = null
    return false
  }
  facts.silentSince ??= Date.now()
  return Date.now() - facts.silentSince > forMs
}
