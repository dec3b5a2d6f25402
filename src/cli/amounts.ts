// Numbers for people: times, sizes, ages, and how far a step is.
import type { StepProgress } from '../contract/api.ts'

/** 840 → `840 ms`, 6140 → `6.1 s`, 125000 → `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let amount = bytes
  let unit = 0
  while (amount >= 1_024 && unit < units.length - 1) {
    amount /= 1_024
    unit += 1
  }
  return unit === 0 ? `${amount} ${amount === 1 ? 'byte' : 'bytes'}` : `${amount.toFixed(1)} ${units[unit]}`
}

/** 1204 → `1,204`. */
export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

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
