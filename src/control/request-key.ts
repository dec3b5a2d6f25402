// The key under which a caller asks for a change: asked again with the same key, it is made once.

/** The key of a request, or null when it has none. */
export function keyOf(headers: Record<string, string | string[] | undefined>): string | null {
  const key = headers['idempotency-key']
  return typeof key === 'string' && key !== '' ? key.slice(0, 200) : null
}
