// How what was measured gets coarser with age: which periods it is kept in, and the points that a person sees.
import { SPAN_SECONDS, type Span } from '../contract/span.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** From the finest to the coarsest: each is kept a little longer than the span that is shown from it. */
export const PERIODS = [
  { seconds: 60, keptMs: 2 * HOUR_MS },
  { seconds: 300, keptMs: 26 * HOUR_MS },
  { seconds: 3_600, keptMs: 8 * DAY_MS },
  { seconds: 21_600, keptMs: 90 * DAY_MS },
] as const

/** What is due to be made coarser, or to go: all of a period that began before a moment. */
export type Thinning = {
  seconds: number
  /** Milliseconds since 1970, the beginning of a period of `into`: none of them is cut in two. */
  beforeMs: number
  /** The period that it becomes; null: it is dropped. */
  into: number | null
}

/** What is due now. Pure. */
export function thinningsAt(nowMs: number): Thinning[] {
  return PERIODS.map(({ seconds, keptMs }, index) => {
    const into = PERIODS[index + 1]?.seconds ?? null
    return { seconds, beforeMs: beginOf(nowMs - keptMs, into ?? seconds), into }
  })
}

/** When the period began in which a moment lies; all in milliseconds since 1970 but the period's length. */
export function beginOf(ms: number, seconds: number): number {
  return Math.floor(ms / (seconds * 1_000)) * seconds * 1_000
}

/** When the points of a span begin, the oldest first; the last one is under way. Milliseconds since 1970. */
export function pointsOf(span: Span, nowMs: number): number[] {
  const { length, point } = SPAN_SECONDS[span]
  const last = beginOf(nowMs, point)
  const count = length / point
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * point * 1_000)
}
