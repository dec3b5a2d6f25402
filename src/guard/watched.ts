// Whether a watched server must be stopped now.

/** A server that the guard watches; `untilBootMs` null: no lease applies. */
export type Watched = { server: string; dataFolder: string; untilBootMs: number | null; isFenced: boolean }

/** True once the lease is so near its end that stopping must begin for PostgreSQL to be stopped by then. */
export function isDue(entry: Watched, nowBootMs: number, stopMarginMs: number): boolean {
  return entry.untilBootMs !== null && nowBootMs >= entry.untilBootMs - stopMarginMs
}
