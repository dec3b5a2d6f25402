// A session in a browser: its cookie, and what shows that a request comes from our own page and no other.
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { PORTAL_HEADER } from '../contract/portal-page.ts'
import { Fault } from '../kit/fault.ts'
import { OIDC_TRY_MS, SESSION_MS } from '../kit/limits.ts'

/** How people reach control: whether through TLS, and under which names. */
export type Portal = { url: string; isSecure: boolean; names: string[] }

/** A cookie as it is kept by a browser. */
export type Cookie = { name: string; lifeMs: number; sameSite: 'Strict' | 'Lax'; isSecure: boolean }

/** Holds the session's secret. Our page needs no cookie to load, so it is sent from no other page at all. */
export function sessionCookie(portal: Portal, host: string): Cookie {
  return { name: nameOf(portal, host), lifeMs: SESSION_MS, sameSite: 'Strict', isSecure: portal.isSecure }
}

/** Holds what a sign-in elsewhere has to bring back, sealed. Lax: the way back begins on the provider's page. */
export function tryCookie(portal: Portal, host: string): Cookie {
  return { name: `${nameOf(portal, host)}-try`, lifeMs: OIDC_TRY_MS, sameSite: 'Lax', isSecure: portal.isSecure }
}

/** The cookie's value in a request, or null. */
export function readCookie(headers: IncomingHttpHeaders, { name }: Pick<Cookie, 'name'>): string | null {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const found = pairs.find((pair) => pair.startsWith(`${name}=`))
  return found?.slice(name.length + 1) || null
}

/** The header that gives a cookie to the browser; with null, the one that takes it away. The value has no `;`. */
export function writeCookie({ name, lifeMs, sameSite, isSecure }: Cookie, value: string | null): string {
  const life = value === null ? 0 : Math.floor(lifeMs / 1_000)
  const parts = [`${name}=${value ?? ''}`, 'Path=/', `Max-Age=${life}`, 'HttpOnly', `SameSite=${sameSite}`]
  return [...parts, ...(isSecure ? ['Secure'] : [])].join('; ')
}

// `__Host-`: from this very origin, and through TLS only (RFC 6265bis, 4.1.3.2). In clear there is only loopback, where
// ports do not keep cookies apart: so the name does.
function nameOf({ isSecure }: Portal, host: string): string {
  return isSecure ? '__Host-mainstay' : `mainstay-${/:(\d+)$/.exec(host)?.[1] ?? '80'}`
}

/**
 * Faults with `account.bad_host` when the host that a browser asked for is none of ours: a foreign name may lead to our
 * address, and its pages would then be of our origin (DNS rebinding). A bare address is no name.
 */
export function requireHost({ names }: Portal, host: string): void {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || isOneOf(names, name)) return
  throw new Fault('account.bad_host', 403, `'${name}' is not a name of this control`, {
    hint: 'Start control with --portal-url https://NAME under which people reach it.',
  })
}

/** Faults with `account.cross_site` unless a request that changes something comes from our own page. */
export function requireOwnPage(headers: IncomingHttpHeaders, host: string): void {
  const { origin, 'sec-fetch-site': site } = headers
  const isOwn = headers[PORTAL_HEADER] !== undefined
  const isSameOrigin = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
  if (isOwn && isSameOrigin && (site === undefined || site === 'same-origin' || site === 'none')) return
  throw new Fault('account.cross_site', 403, 'this request does not come from the portal', {
    hint: `Programs use a token; a page of ours sends ${PORTAL_HEADER}.`,
  })
}

// A certificate may name all of a domain: *.example.com stands for one label.
function isOneOf(names: string[], name: string): boolean {
  return names.some((one) => one === name || (one.startsWith('*.') && name.slice(name.indexOf('.')) === one.slice(1)))
}
