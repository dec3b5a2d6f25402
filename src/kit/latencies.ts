// How long things took, as counts between fixed bounds: small, and two of them can be added.

/** Upper bounds, in milliseconds; what took longer than the last is counted behind it. */
export const LATENCY_BOUNDS_MS = [
  1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1_200, 2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 30_000,
] as const

/** A count for each bound, and one for what took longer. */
export type Latencies = number[]

export const noLatencies = (): Latencies => new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0)

/** Counts one, in place. */
export function noteLatency(latencies: Latencies, ms: number): void {
  const found = LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound)
  const at = found === -1 ? LATENCY_BOUNDS_MS.length : found
  latencies[at] = (latencies[at] ?? 0) + 1
}

/** Adds the second to the first, in place. */
export function addLatencies(latencies: Latencies, others: readonly number[]): void {
  for (const at of latencies.keys()) latencies[at] = (latencies[at] ?? 0) + (others[at] ?? 0)
}

/**
 * The time that a share of them stayed below, such as 0.5 or 0.99, in milliseconds: between the bounds as if they were
 * spread evenly there. Null when there were none; the last bound stands for all that took longer.
 */
export function latencyAt(latencies: readonly number[], share: number): number | null {
  const total = latencies.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = share * total
  for (const [at, count] of latencies.entries()) {
    if (count > 0 && left <= count) {
      const low = LATENCY_BOUNDS_MS[at - 1] ?? 0
      const high = LATENCY_BOUNDS_MS[at] ?? low
      return low + (high - low) * (left / count)
    }
    left -= count
  }
  return LATENCY_BOUNDS_MS.at(-1) ?? null
}
