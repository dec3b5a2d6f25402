// Which browsers' pages may call, and the headers that tell them so.
import type { IncomingHttpHeaders } from 'node:http'

const PROTOCOLS = new Set(['http:', 'https:', 'ms-appx-web:'])
const REQUESTED_HEADERS = /^[a-z0-9-, ]{1,500}$/i

/**
 * The CORS headers of an answer: none for a page that is not allowed, so that its browser refuses. `exposed`: which headers
 * of the answer the page may read besides the usual ones.
 */
export function corsHeaders(
  request: { method: string; headers: IncomingHttpHeaders; exposed: string | null },
  allowed: string[],
): Record<string, string> {
  const headers: Record<string, string> = {}
  const origin = request.headers.origin
  if (origin === undefined) return headers
  // Caches must not give one page's answer to another.
  headers.vary = 'Origin'
  if (!isOriginAllowed(origin, allowed)) return headers
  headers['access-control-allow-origin'] = origin
  if (request.exposed !== null) headers['access-control-expose-headers'] = request.exposed
  const requested = request.headers['access-control-request-headers']
  if (requested !== undefined && REQUESTED_HEADERS.test(requested)) headers['access-control-allow-headers'] = requested
  if (request.method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, PUT, PATCH, POST, DELETE, OPTIONS'
    headers['access-control-max-age'] = '300'
  }
  return headers
}

/** True when an Origin header's host name matches an entry of the list. */
export function isOriginAllowed(origin: string, allowed: string[]): boolean {
  if (origin === 'null') return allowed.includes('null')
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (!PROTOCOLS.has(url.protocol) || url.search !== '' || url.hash !== '') return false
  if (url.pathname !== '' && url.pathname !== '/') return false
  return allowed.some((entry) => matches(url.hostname.toLowerCase(), entry.toLowerCase()))
}

function matches(hostname: string, entry: string): boolean {
  const star = entry.indexOf('*')
  if (star < 0) return hostname === entry
  const [before, after] = [entry.slice(0, star), entry.slice(star + 1)]
  const isLongEnough = hostname.length >= before.length + after.length
  return isLongEnough && hostname.startsWith(before) && hostname.endsWith(after)
}
