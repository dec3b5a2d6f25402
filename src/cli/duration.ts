// Durations as people type them: 90s, 5m, 2h, 1d.
import { Fault } from '../kit/fault.ts'

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 }

/** The option of what may be lost, for `--help`. */
export const ACCEPT_LOSS = '--accept-loss <duration>'

/** What may be lost, from an option, in milliseconds; null for `any`. Faults with `usage.bad_option`. */
export function acceptedLossOf(text: string): number | null {
  const word = text.trim().toLowerCase()
  if (word === 'any') return null
  if (word === 'none') return 0
  return durationOf(text, '--accept-loss takes a duration, none or any')
}

/** Milliseconds. `what`: what was asked for, in words. Faults with `usage.bad_option`. */
export function durationOf(text: string, what: string): number {
  const [, count, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(text.trim().toLowerCase()) ?? []
  if (count !== undefined) return Number(count) * UNITS[unit as keyof typeof UNITS]
  throw new Fault('usage.bad_option', 400, `${what}, not '${text}'`, {
    hint: 'A duration is a number and a unit: 90s, 5m, 2h, 1d.',
  })
}

/** As it is typed, in the largest unit that gives a whole number. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS).find(([, one]) => ms > 0 && ms % one === 0) ?? ['s', UNITS.s]
  return `${Math.ceil(ms / size)}${unit}`
}
