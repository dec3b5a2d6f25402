// Who is asking: application key, master key, the token of a user, and what a permission level demands.
import type { IncomingHttpHeaders } from 'node:http'
import type { PermissionLevel } from '../contract/permissions.ts'
import { isSameSecret } from '../kit/same-secret.ts'
import type { ScriptUser } from '../sandbox/messages.ts'
import { unauthorized } from './app-faults.ts'
import type { ClientGeneration } from './client-generation.ts'
import { type Claims, credentialsIn, readToken } from './user-token.ts'

export type ServiceKeys = { applicationKey: string; masterKey: string }
/** `id`, `claims`: of the token's user, whatever the level; null without a token. */
export type AppUser = {
  level: 'admin' | 'authenticated' | 'anonymous'
  id: string | null
  claims: Claims | null
}

/** Who it is. A token must be valid wherever it is sent: refuses with 401 otherwise. */
export function identify(
  { headers, clientGeneration }: { headers: IncomingHttpHeaders; clientGeneration: ClientGeneration },
  keys: ServiceKeys,
): AppUser {
  const token = headerOf(headers, 'x-zumo-auth') || (clientGeneration === 2 ? bearerOf(headers) : '')
  const { id, claims } = token === '' ? NO_ONE : readToken(token, keys.masterKey, Date.now())
  if (isMaster(headers, keys)) return { level: 'admin', id, claims }
  return { level: id === null ? 'anonymous' : 'authenticated', id, claims }
}

const NO_ONE = { id: null, claims: null }

/** The user as scripts are told of them. */
export function scriptUserOf({ level, id, claims }: AppUser, { masterKey }: ServiceKeys): ScriptUser {
  const identities = claims && credentialsIn(claims, masterKey)
  return { level, id, ...(identities === null ? {} : { identities }) }
}

/**
 * Passes when the user and the headers satisfy the level, refuses with 401 otherwise. A valid master key always passes.
 * `isKeyAsked`: clients of the second generation have no application key, and a service may do without it for them.
 */
export function authorize(
  level: PermissionLevel,
  { user, headers }: { user: AppUser; headers: IncomingHttpHeaders },
  keys: ServiceKeys,
  { isKeyAsked }: { isKeyAsked: boolean },
): void {
  if (user.level === 'admin' || level === 'public') return
  if (level === 'user' && user.level === 'authenticated') return
  if (level === 'application' && !isKeyAsked) return
  if (level === 'application' && isSecret(headerOf(headers, 'x-zumo-application'), keys.applicationKey)) return
  throw unauthorized()
}

/** True when the request carries the service's master key. */
export function isMaster(headers: IncomingHttpHeaders, keys: ServiceKeys): boolean {
  return isSecret(headerOf(headers, 'x-zumo-master'), keys.masterKey)
}

// A secret that is not there is nobody's.
function isSecret(given: string, secret: string): boolean {
  return given !== '' && isSameSecret(given, secret)
}

function bearerOf(headers: IncomingHttpHeaders): string {
  return /^Bearer +(\S+)$/i.exec(headerOf(headers, 'authorization'))?.[1] ?? ''
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}
