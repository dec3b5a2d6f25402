// How much may be lost, from an option: a duration, none, or any.
import { Fault } from '../kit/fault.ts'

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The option's words, for `--help`. */
export const ACCEPT_LOSS = '--accept-loss <duration>'

/** Milliseconds; null for `any`. Faults with `usage.bad_option`. */
export function acceptedLossOf(text: string): number | null {
  const word = text.trim().toLowerCase()
  if (word === 'any') return null
  if (word === 'none') return 0
  const [, count, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(word) ?? []
  if (count !== undefined) return Number(count) * UNITS[unit as keyof typeof UNITS]
  throw new Fault('usage.bad_option', 400, `--accept-loss takes a duration, none or any, not '${text}'`, {
    hint: 'A duration is a number and a unit: 90s, 5m, 2h, 1d.',
  })
}
