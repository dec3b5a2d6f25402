// Moments as a browser's field has them (local, without a zone), and as control takes them (UTC).

/** `2026-11-27T18:00` here → an instant; null where nothing was chosen or it is no moment. */
export function instantOf(local: string): string | null {
  const ms = local === '' ? Number.NaN : Date.parse(local)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
