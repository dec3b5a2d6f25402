// What a gateway makes of the protocol that a request came by. Pure.
import type { IncomingMessage } from 'node:http'
import type { Route } from '../contract/assignment.ts'
import type { Networks } from '../kit/networks.ts'

const HTTPS_PORT = 443
const HOST = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/i
// How an address of version 4 looks on a socket of version 6.
const MAPPED = /^::ffff:(?=[\d.]+$)/
const CHALLENGE_PATH = '/.well-known/acme-challenge/'

/** True for what came by TLS: to us, or to a proxy that says so. What anybody else says of it is nothing. */
export function isSecure({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, proxies: Networks): boolean {
  // A stream of HTTP/2 whose connection is gone has none any more.
  if (!socket) return false
  if ('encrypted' in socket && socket.encrypted === true) return true
  const said = headers['x-forwarded-proto']
  if (typeof said !== 'string' || !proxies.has((socket.remoteAddress ?? '').replace(MAPPED, ''))) return false
  return said.split(',')[0]?.trim().toLowerCase() === 'https'
}

/** The host that a request is for, with its port if it has one. HTTP/2 has it in a header of its own. */
export function authorityOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const authority = headers[':authority']
  return typeof authority === 'string' ? authority : headers.host
}

/** A host in lower case, without port and without the dot at its end. */
export function hostNameOf(authority: string | undefined): string {
  return (authority ?? '').toLowerCase().replace(/\.?(?::\d+)?$/, '')
}

/** Where a plain request is sent; null: nowhere. `port`: where apps reach us by HTTPS, null if they do not. */
export function redirectOf(
  request: { isSecure: boolean; authority: string | undefined; url: string },
  { https }: Pick<Route, 'https'>,
  port: number | null,
): string | null {
  if (request.isSecure || port === null || https?.isRedirected !== true) return null
  const host = (request.authority ?? '').replace(/:\d+$/, '')
  if (!HOST.test(host) || !request.url.startsWith('/')) return null
  return `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}${request.url}`
}

/**
 * What browsers are told about a service's host name; null: nothing. It is about a whole host: where the service is named
 * in the path, that is not the service's own.
 */
export function hstsOf(isSecure: boolean, prefix: string, { https }: Pick<Route, 'https'>): string | null {
  return isSecure && prefix === '' && https && https.hstsSeconds > 0 ? `max-age=${https.hstsSeconds}` : null
}

/** The token in the path that an authority asks at; null for any other path. */
export function challengeTokenOf(url: string): string | null {
  return url.startsWith(CHALLENGE_PATH) ? url.slice(CHALLENGE_PATH.length) : null
}
