// Where one was before the way led over another site: found again when one comes back signed in.

const KEY = 'mainstay.place'

/** Kept for this tab only. */
export function rememberPlace(): void {
  sessionStorage.setItem(KEY, location.pathname + location.search)
}

/** The place, once; null when there is none. */
export function takePlace(): string | null {
  const place = sessionStorage.getItem(KEY)
  sessionStorage.removeItem(KEY)
  return place?.startsWith('/') ? place : null
}
