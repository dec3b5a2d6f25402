// A recovery as the original's command line asks for it: in two requests, of which the second deletes what the first has used.
// Ours does everything in the first; what the second may do is decided here.
import { Fault } from '../kit/fault.ts'
import { RECOVERY_DONE_MS, RECOVERY_FENCE_MS } from '../kit/limits.ts'

/** The last recovery or migration that used a service's capacity, as tools asked for it. */
export type ToolRecovery = {
  primary: string
  /** `running` too for one that waits to be begun. */
  state: 'running' | 'done' | 'failed'
  changedAtMs: number
}

export type CleanUp = { kind: 'nothing' } | { kind: 'delete' } | { kind: 'refused'; fault: Fault }

/**
 * What deleting the application of a service does. After a recovery the service is consumed, and after a migration it
 * is a secondary again (`isStandby`): there is nothing left to do, however late the request comes. While one runs, and
 * for a while after one that failed, it is refused: an old command line may take a failure for success, and would
 * delete a service that nobody has given up.
 */
export function decideCleanUp(facts: {
  isLiving: boolean
  /** It is the secondary of whom the recovery was for. */
  isStandby: boolean
  recovery: ToolRecovery | null
  nowMs: number
}): CleanUp {
  const { isLiving, isStandby, recovery, nowMs } = facts
  if (!isLiving) return { kind: 'nothing' }
  if (recovery === null) return { kind: 'delete' }
  const ageMs = nowMs - recovery.changedAtMs
  switch (recovery.state) {
    case 'running':
      return { kind: 'refused', fault: fenced(`a recovery of '${recovery.primary}' is using it`) }
    case 'failed': {
      const minutes = Math.ceil((RECOVERY_FENCE_MS - ageMs) / 60_000)
      if (minutes <= 0) return { kind: 'delete' }
      const message = `a recovery of '${recovery.primary}' with it has just failed; it is kept for ${minutes} minutes more`
      return { kind: 'refused', fault: fenced(message) }
    }
    case 'done':
      return isStandby || ageMs < RECOVERY_DONE_MS ? { kind: 'nothing' } : { kind: 'delete' }
  }
}

function fenced(message: string): Fault {
  return new Fault('recovery.fenced', 409, message, {
    hint: 'To delete it in spite of that: azure mobile delete NAME, or mainstay mobile delete NAME',
  })
}
