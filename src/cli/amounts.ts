// How long ago something was, and how far a step is, for people.
import { formatBytes, formatMs } from '../contract/amounts.ts'
import type { StepProgress } from '../contract/api.ts'

/** How long ago an instant was, as far as both clocks agree. */
export function formatAge(instant: string, nowMs: number): string {
  return `${formatMs(Math.max(0, nowMs - Date.parse(instant)))} ago`
}

/** 34 of 100 MiB → `34 % of 100.0 MiB, 8.5 MiB/s, 8.0 s left`. */
export function formatProgress({ doneBytes, totalBytes, bytesPerSecond, secondsLeft }: StepProgress): string {
  return [
    `${Math.floor((100 * doneBytes) / totalBytes)} % of ${formatBytes(totalBytes)}`,
    ...(bytesPerSecond === null ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(secondsLeft === null ? [] : [`${formatMs(secondsLeft * 1_000)} left`]),
  ].join(', ')
}
