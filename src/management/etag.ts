// The tag of what was answered, and the tag that a change was made on: who changes what another has changed is
// refused.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Fault } from '../kit/fault.ts'

/** The tag of a text, or of anything that is JSON. */
export function etagOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
}

/**
 * Faults with `http.changed_meanwhile` when the request names tags (If-Match) and none is that of what is there. Old tools
 * send none, or `*`; `current` is null where nothing is there.
 */
export function requireMatch(headers: IncomingHttpHeaders, current: unknown): void {
  const wanted = headers['if-match']
  if (wanted === undefined) return
  const tags = wanted.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  // The original's tools send `*` also for what they make.
  if (tags.includes('*') || (current !== null && tags.includes(etagOf(current)))) return
  throw new Fault('http.changed_meanwhile', 412, 'this was changed meanwhile by somebody else', {
    hint: 'Read it again, and make your change to that.',
  })
}
