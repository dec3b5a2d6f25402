// What a schedule says. Apart from what reckons with it: whoever only reads or writes one loads nothing for it.

export const INTERVAL_UNITS = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const
export type IntervalUnit = (typeof INTERVAL_UNITS)[number]

/** `startAt`: an instant from which intervals are counted. `none`: due only when somebody says so. */
export type Schedule =
  | { kind: 'interval'; period: number; unit: IntervalUnit; startAt: string }
  | { kind: 'cron'; line: string }
  | { kind: 'none' }

export const PERIOD_MAX = 10_000
