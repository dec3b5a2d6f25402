// The headers of a request as its runtime gets them, and those of the answer as its client does. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import type { Route } from '../contract/assignment.ts'
import {
  EPOCH_HEADER,
  INTERNAL_HEADER_PREFIX,
  PREFIX_HEADER,
  REFUSED_HEADER,
  SERVICE_HEADER,
} from '../contract/protocols.ts'
import { REQUEST_ID_HEADER } from '../kit/request-id.ts'
import { authorityOf } from './https.ts'
import type { Destination } from './router.ts'

/** A request as it came; `remoteAddress`: who is at the other end of its connection. */
export type Asked = { headers: IncomingHttpHeaders; remoteAddress: string | undefined }
/** Where it goes, and what is known of it here. */
export type Forwarded = { route: Route; destination: Destination; requestId: string; isSecure: boolean }

/** Takes a header. */
type Put = (name: string, value: string) => void

// Of one hop only (RFC 9110, 7.6.1).
const HOP_HEADERS = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]
/** Those, what is set anew by us, and `expect`, which Node itself answers. */
export const NOT_FORWARDED = new Set([
  ...HOP_HEADERS,
  ...['host', 'x-forwarded-for', 'x-forwarded-proto', REQUEST_ID_HEADER, 'expect'],
])
export const NOT_ANSWERED = new Set([...HOP_HEADERS, REFUSED_HEADER, REQUEST_ID_HEADER])

/** What a runtime is sent: the request's own headers but those of the hop, and what it is told of the request. */
export function forwardedHeaders(asked: Asked, to: Forwarded): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(asked.headers)) {
    // What begins like ours is ours alone. Of HTTP/2: method, path and host have places of their own here.
    if (NOT_FORWARDED.has(name) || name.startsWith(INTERNAL_HEADER_PREFIX) || name.startsWith(':')) continue
    if (value !== undefined && name !== 'cookie') kept[name] = value
  }
  putTold(asked, to, (name, value) => {
    kept[name] = value
  })
  return kept
}

/** What a runtime is told of a request, in place of what its sender says of that. */
export function putTold({ headers, remoteAddress }: Asked, to: Forwarded, put: Put): void {
  const host = authorityOf({ headers })
  if (host !== undefined) put('host', host)
  if (headers.cookie !== undefined) put('cookie', stripOwnCookies(headers.cookie))
  put('x-forwarded-for', forwardedFor(headers['x-forwarded-for'], remoteAddress))
  put('x-forwarded-proto', to.isSecure ? 'https' : 'http')
  put(REQUEST_ID_HEADER, to.requestId)
  put(SERVICE_HEADER, to.route.service)
  put(EPOCH_HEADER, String(to.route.epoch))
  put(PREFIX_HEADER, to.destination.prefix)
}

function forwardedFor(before: string | string[] | undefined, remoteAddress = ''): string {
  if (before === undefined) return remoteAddress
  return remoteAddress === '' ? String(before) : `${before}, ${remoteAddress}`
}

function stripOwnCookies(cookies: string): string {
  return cookies
    .split(/;\s*/)
    .filter((cookie) => !cookie.startsWith('mainstay_'))
    .join('; ')
}

// A page that shares its host with other services is kept from what is theirs: it has an origin of its own.
const APART = 'sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads'
export const POLICY = 'content-security-policy'
const NO_PAGE = /^application\/(?:[a-z0-9.+-]*\+)?json\b/i

/** What its client is sent: the answer's own headers but those of the hop and between us and the runtime. */
export function answerHeaders(
  headers: Record<string, string | string[] | undefined>,
  destination: Destination,
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_ANSWERED.has(name)) kept[name] = value
  }
  const policy = policyFor(String(kept['content-type'] ?? ''), destination)
  if (policy !== null) kept[POLICY] = [kept[POLICY] ?? [], policy].flat()
  return kept
}

/** The policy that is added for an answer of that type; null: none. */
export function policyFor(contentType: string, { prefix }: Destination): string | null {
  return prefix === '' || NO_PAGE.test(contentType) ? null : APART
}
