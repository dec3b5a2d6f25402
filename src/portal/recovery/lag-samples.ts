// What was seen of a standby's lag, kept while somebody looks.
import type { ServerView } from '../../contract/api.ts'

/** One a second for ten minutes. */
export const SAMPLES_MAX = 600
const SAMPLE_MS_MIN = 900

/** `lagMs` null: nothing was connected, or it was not measured. */
export type LagSample = { atMs: number; lagMs: number | null }

/** The samples with one more; the same ones when it comes too soon after the last. */
export function withSample(samples: readonly LagSample[], next: LagSample): readonly LagSample[] {
  const last = samples.at(-1)
  if (last !== undefined && next.atMs - last.atMs < SAMPLE_MS_MIN) return samples
  return [...samples, next].slice(-SAMPLES_MAX)
}

export function lagOf(server: Pick<ServerView, 'members'> | null): number | null {
  const standby = server?.members.find(({ role, lagBytes }) => role === 'standby' && lagBytes !== null)
  if (!standby) return null
  return standby.lagBytes === 0 ? 0 : standby.lagMs
}
