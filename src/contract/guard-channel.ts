// What a host and its guard say to each other: JSON lines over a unix socket of the host's socket folder.

/** `untilBootMs` null: no lease applies, PostgreSQL may run on as long as the host lives. */
export type ToGuard =
  | { kind: 'watch'; server: string; dataFolder: string; untilBootMs: number | null }
  | { kind: 'forget'; server: string }
  | { kind: 'exit' }

export type FromGuard = { kind: 'fenced'; server: string; atBootMs: number }

export const GUARD_SOCKET = 'guard.sock'
