// Watching an operation until it ends, through restarts of control.
import type { OperationView } from '../contract/api.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { RESTART_MS_MIN, WATCH_POLL_MS, WATCH_RETRY_MS_MAX, WATCH_TOTAL_MS_MAX } from '../kit/limits.ts'

export type OperationSource = {
  watchOperation(id: string, options: { after: number; waitMs: number }): Promise<OperationView>
}

export type WatchOptions = {
  /** Called with each new state, the first included. */
  onChange: (operation: OperationView) => void
  retryMs?: number
}

/**
 * The operation at its end. While control does not answer it is asked again, for a while; then faults with
 * `watch.unfinished`, since the operation itself goes on.
 */
export async function watchOperation(
  source: OperationSource,
  first: OperationView,
  options: WatchOptions,
): Promise<OperationView> {
  const startedAt = performance.now()
  let silentSince: number | null = null
  let current = first
  options.onChange(current)
  while (current.state === 'running') {
    if (performance.now() - startedAt > WATCH_TOTAL_MS_MAX) throw unfinished(current, 'it takes very long')
    try {
      const next = await source.watchOperation(current.id, { after: current.revision, waitMs: WATCH_POLL_MS })
      silentSince = null
      if (next.revision !== current.revision) options.onChange(next)
      current = next
    } catch (error) {
      if (!isPassing(error)) throw error
      silentSince ??= performance.now()
      if (performance.now() - silentSince > (options.retryMs ?? WATCH_RETRY_MS_MAX)) {
        throw unfinished(current, 'control does not answer')
      }
      await pause(RESTART_MS_MIN)
    }
  }
  return current
}

/** The fault of an operation that did not succeed; null for one that did. */
export function faultOf(operation: OperationView): Fault | null {
  if (operation.state === 'succeeded') return null
  const step = operation.steps.find((one) => one.state === 'failed' || one.state === 'running')
  const message = operation.error?.message ?? `${operation.kind} of ${subjectOf(operation)} ended as ${operation.state}`
  const where = step?.sentence ? `${step.sentence}: ${message}` : message
  const hint = operation.next ?? operation.error?.hint
  const code = operation.error?.code ?? `operation.${operation.state}`
  // 500: it was accepted and tried, so it is a failure and no refusal, whatever the code's room.
  return new Fault(code, 500, where, hint === undefined ? {} : { hint })
}

/** What to say when the watching ends before the operation does. */
export function stillGoingOn(operation: OperationView): { message: string; hint: string } {
  const { service, id } = operation
  return {
    message: `the ${operation.kind.replace('_', ' ')} of '${subjectOf(operation)}' goes on without this command`,
    hint: `Look how it goes: ${service === null ? `mainstay operation watch ${id}` : `mainstay mobile show ${service}`}`,
  }
}

/** The name of what an operation is about: its service, or its server. */
export function subjectOf(operation: Pick<OperationView, 'service' | 'server'>): string {
  return operation.service ?? operation.server ?? ''
}

function unfinished(operation: OperationView, reason: string): Fault {
  const { message, hint } = stillGoingOn(operation)
  return new Fault('watch.unfinished', 504, `${reason}; ${message}`, { hint })
}

// Control restarting, or a gateway error of something in front of it: the operation is a row and waits.
function isPassing(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'control.silent' || [502, 503, 504].includes(error.status))
}
