// The exit code of a failure: 1 failed, 2 misused, 3 refused for safety.
import { Fault } from '../kit/fault.ts'

export const EXIT_DONE = 0
export const EXIT_FAILED = 1
export const EXIT_MISUSED = 2
export const EXIT_REFUSED = 3
/** What shells use for an end by Ctrl-C. */
export const EXIT_INTERRUPTED = 130

// Refusals in rooms whose other codes are plain failures.
const SAFETY_CODES = new Set(['server.holds_data', 'server.in_use', 'server.is_default'])
const SAFETY_ROOMS = new Set(['recovery', 'database', 'capacity', 'machine', 'scale', 'switchover', 'reset'])

/** Which exit code tells a script what happened. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Fault)) return EXIT_FAILED
  if (error.code === 'prompt.interrupted') return EXIT_INTERRUPTED
  if (error.status === 400 || error.status === 404) return EXIT_MISUSED
  const room = error.code.split('.')[0] ?? ''
  const isForSafety = SAFETY_ROOMS.has(room) || SAFETY_CODES.has(error.code)
  return error.status === 409 && isForSafety ? EXIT_REFUSED : EXIT_FAILED
}
