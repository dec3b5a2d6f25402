// The service's own URL, as whoever asks has it.
import { PREFIX_HEADER } from '../contract/protocols.ts'
import { isLoopbackHost } from '../kit/loopback.ts'
import { badRequest } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'

const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** True for a request that came to a gateway over HTTPS. */
export function cameByHttps({ headers }: AppRequest): boolean {
  return headers['x-forwarded-proto'] === 'https'
}

/** Scheme and host that the request came to. Refuses a host that is none. */
export function originOf(request: AppRequest): string {
  return `${cameByHttps(request) ? 'https' : 'http'}://${hostOf(request)}`
}

/** The same, but never in clear, except on this machine itself. */
export function secureOriginOf(request: AppRequest): string {
  const host = hostOf(request)
  return isLoopbackHost(host.replace(/:\d+$/, '')) ? originOf(request) : `https://${host}`
}

/** What the client's path began with, where the gateway found the service in it. */
export function prefixOf(request: AppRequest): string {
  const prefix = request.headers[PREFIX_HEADER]
  return typeof prefix === 'string' ? prefix : ''
}

function hostOf({ headers: { host = 'localhost' } }: AppRequest): string {
  if (HOST.test(host)) return host
  throw badRequest('The Host header is no name of a host.')
}
