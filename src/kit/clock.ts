// Time: a clock that only moves forward, and waiting with a deadline.
import { uptime } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from './fault.ts'

/**
 * Milliseconds since the machine booted, the same for every process on it. It counts time spent suspended and is
 * untouched by changes of the wall clock, which is what a lease needs. Resolution 10 ms.
 */
export function bootMs(): number {
  return Math.round(uptime() * 1000)
}

/** Waits `ms`; an abort ends the wait quietly. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {})
  } catch {
    // Only an abort ends a delay early, and whoever aborted knows.
  }
}

/**
 * Polls until `check` gives something other than undefined, at most `withinMs`.
 * Faults with `wait.timed_out`, naming what it waited for.
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  limits: { withinMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<T> {
  const deadline = performance.now() + limits.withinMs
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (limits.signal?.aborted) throw new Fault('wait.aborted', 503, `stopped waiting for ${what}`)
    if (performance.now() >= deadline) {
      throw new Fault('wait.timed_out', 504, `${what} did not happen within ${limits.withinMs} ms`)
    }
    await pause(limits.everyMs ?? 25, limits.signal)
  }
}

/** Runs `work` now and then `everyMs` after each end, until aborted. Failures go to `onError` and never end the loop. */
export async function repeat(
  options: { everyMs: number; signal: AbortSignal; onError: (error: unknown) => void },
  work: () => Promise<void> | void,
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await work()
    } catch (error) {
      options.onError(error)
    }
    await pause(options.everyMs, options.signal)
  }
}
