// The service's own URL, as whoever asks has it.
import { PREFIX_HEADER } from '../contract/protocols.ts'
import type { AppRequest } from './app-request.ts'

const LOOPBACK = /^(?:[a-z0-9-]+\.)*localhost(?::\d+)?$|^127\.0\.0\.1(?::\d+)?$|^\[::1\](?::\d+)?$/i

/** Scheme and host that the request came to. */
export function originOf(request: AppRequest): string {
  return `${isSecure(request) ? 'https' : 'http'}://${hostOf(request)}`
}

/** The same, but never in clear, except on this machine itself. */
export function secureOriginOf(request: AppRequest): string {
  return LOOPBACK.test(hostOf(request)) ? originOf(request) : `https://${hostOf(request)}`
}

/** What the client's path began with, where the gateway found the service in it. */
export function prefixOf(request: AppRequest): string {
  const prefix = request.headers[PREFIX_HEADER]
  return typeof prefix === 'string' ? prefix : ''
}

function isSecure({ headers }: AppRequest): boolean {
  return headers['x-forwarded-proto'] === 'https'
}

function hostOf({ headers }: AppRequest): string {
  return headers.host ?? 'localhost'
}
