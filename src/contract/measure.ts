// What is measured of servers and machines over time, and in which unit.

export const MEASURES = [
  // Of a server with a standby: how far that is behind its primary.
  'standby_lag_ms',
  'standby_lag_bytes',
  // Of a server's primary.
  'data_bytes',
  'disk_free_bytes',
  // Of a machine: how long control had not heard it.
  'silent_ms',
  // Of a gateway: the share of its time that it was busy.
  'busy_ratio',
] as const
export type Measure = (typeof MEASURES)[number]

/** What the numbers are in. */
export const MEASURE_UNITS = {
  standby_lag_ms: 'ms',
  standby_lag_bytes: 'bytes',
  data_bytes: 'bytes',
  disk_free_bytes: 'bytes',
  silent_ms: 'ms',
  busy_ratio: 'ratio',
} as const satisfies Record<Measure, 'ms' | 'bytes' | 'ratio'>

/** What they are, for people. */
export const MEASURE_TITLES: Record<Measure, string> = {
  standby_lag_ms: 'How far the standby is behind',
  standby_lag_bytes: 'What the standby has yet to take',
  data_bytes: 'Data',
  disk_free_bytes: 'Free on the disk',
  silent_ms: 'Not heard by control for',
  busy_ratio: 'Busy',
}
