// Who is asking: application key, master key, and what a permission level demands.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { PermissionLevel } from '../contract/permissions.ts'
import { unauthorized } from './app-faults.ts'

export type ServiceKeys = { applicationKey: string; masterKey: string }

/**
 * Passes when the headers satisfy the level, refuses with 401 otherwise. A valid master key always passes. `isKeyAsked`:
 * clients of the second generation have no application key, and a service may do without it for them.
 */
export function authorize(
  level: PermissionLevel,
  headers: IncomingHttpHeaders,
  keys: ServiceKeys,
  { isKeyAsked }: { isKeyAsked: boolean },
): void {
  // A token must be valid wherever it is sent, and no service issues any: what is sent cannot be one of ours.
  if (headerOf(headers, 'x-zumo-auth') !== '') throw unauthorized('The authentication token is not valid.')
  if (isMaster(headers, keys)) return
  if (level === 'public' || (level === 'application' && !isKeyAsked)) return
  if (level === 'application' && isSecret(headerOf(headers, 'x-zumo-application'), keys.applicationKey)) return
  throw unauthorized()
}

/** True when the request carries the service's master key. */
export function isMaster(headers: IncomingHttpHeaders, keys: ServiceKeys): boolean {
  return isSecret(headerOf(headers, 'x-zumo-master'), keys.masterKey)
}

// Hashed first: equal lengths, and a time that tells nothing about the secret.
function isSecret(given: string, secret: string): boolean {
  if (given === '' || secret === '') return false
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(secret).digest())
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}
