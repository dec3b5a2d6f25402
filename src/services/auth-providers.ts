// The providers through which a service's users sign in. They hold secrets, so they lie sealed.
import type { Kysely } from 'kysely'
import type { SetAuthProvider } from '../contract/api.ts'
import {
  type Auth,
  type AuthProvider,
  isKnownProvider,
  KNOWN_PROVIDERS,
  OWN_PROVIDER_NAME,
  TAKEN_NAMES,
} from '../contract/auth-provider.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { AUTH_PROVIDERS_PER_SERVICE_MAX } from '../kit/limits.ts'
import { isLoopbackHost } from '../kit/loopback.ts'
import type { Service } from './services.ts'

export type AuthProviders = Record<string, AuthProvider>

const TENANT = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[a-z0-9-]+\.)+[a-z0-9-]+)$/i

/** The providers of a service; `open` unseals. */
export function authProvidersOf(
  service: Pick<Service, 'auth_providers'>,
  open: (sealed: string) => string,
): AuthProviders {
  return service.auth_providers === null ? {} : (JSON.parse(open(service.auth_providers)) as AuthProviders)
}

/** All that its runtime goes by: through half a provider nobody signs in. */
export function authOf(
  service: Pick<Service, 'auth_providers' | 'login_redirects'>,
  open: (sealed: string) => string,
): Auth {
  const whole = Object.entries(authProvidersOf(service, open)).filter(([name, one]) => isWhole(name, one))
  return { providers: Object.fromEntries(whole), redirects: service.login_redirects }
}

/**
 * With one of them set up as wanted. `mayBeHalf`: its id or its secret may be missing, since it comes with the next
 * change. Faults with `auth_provider.bad_name` and `auth_provider.bad_value`.
 */
export function withProvider(
  all: AuthProviders,
  given: string,
  wanted: SetAuthProvider,
  { mayBeHalf = false }: { mayBeHalf?: boolean } = {},
): AuthProviders {
  const name = given.toLowerCase()
  const before = Object.hasOwn(all, name) ? all[name] : undefined
  requireName(name)
  if (!before && Object.keys(all).length >= AUTH_PROVIDERS_PER_SERVICE_MAX) {
    throw bad(`a service has at most ${AUTH_PROVIDERS_PER_SERVICE_MAX} providers`, 'Delete one that nobody uses.')
  }
  const merged: Partial<AuthProvider> = {}
  for (const [key, value] of Object.entries({ ...before, ...wanted })) {
    if (value !== undefined && value.length > 0) Object.assign(merged, { [key]: value })
  }
  const { appId = '', secret = '' } = merged
  if (!mayBeHalf && !isWhole(name, { appId, secret })) {
    throw bad(`'${name}' needs the id and the secret that it gave to your app`, 'Name both.')
  }
  const provider = { ...merged, appId, secret }
  requireFit(name, provider)
  return { ...all, [name]: provider }
}

/** Writes all of them; `sealed` holds their JSON. */
export async function writeAuthProviders(
  trx: Kysely<ControlDatabase>,
  service: Pick<Service, 'id'>,
  sealed: string | null,
): Promise<void> {
  await trx.updateTable('services').set({ auth_providers: sealed }).where('id', '=', service.id).execute()
}

function isWhole(name: string, { appId, secret }: Pick<AuthProvider, 'appId' | 'secret'>): boolean {
  return appId !== '' && (secret !== '' || name === 'aad')
}

function requireName(name: string): void {
  if (isKnownProvider(name)) return
  if (OWN_PROVIDER_NAME.test(name) && !TAKEN_NAMES.includes(name)) return
  throw new Fault('auth_provider.bad_name', 400, `'${name}' cannot be the name of a provider`, {
    hint: `Use one of ${KNOWN_PROVIDERS.join(', ')}, or a word of up to 32 letters, digits and hyphens.`,
  })
}

function requireFit(name: string, provider: AuthProvider): void {
  const { issuer, tenants, packageSid, scope, endpoint, audiences } = provider
  const isOwn = !isKnownProvider(name)
  if (isOwn && issuer === undefined) {
    throw bad(`'${name}' is an OpenID Connect provider of your own: it needs its issuer`, 'Name it: --issuer URL')
  }
  if (!isOwn && issuer !== undefined) throw bad(`the issuer of '${name}' is known`, 'Leave it out; see --endpoint.')
  if (scope !== undefined && !isOwn) throw bad(`'${name}' takes its scope from the app`, 'Leave it out.')
  if (tenants !== undefined && name !== 'aad') throw bad(`'${name}' knows no tenants`, 'Only aad does.')
  if (packageSid !== undefined && name !== 'microsoftaccount') {
    throw bad(`'${name}' knows no package`, 'Only microsoftaccount does.')
  }
  if (audiences !== undefined && ['facebook', 'twitter'].includes(name)) {
    throw bad(`'${name}' gives no tokens that name their audience`, 'Leave the audiences out.')
  }
  const odd = tenants?.find((tenant) => !TENANT.test(tenant))
  if (odd !== undefined) {
    throw bad(`'${odd}' is no tenant`, 'Name it by its id, or by a domain such as contoso.onmicrosoft.com.')
  }
  if (isOwn && endpoint !== undefined) {
    throw bad(`'${name}' is reached at its issuer`, 'Leave the endpoint out, and name another issuer.')
  }
  for (const url of [issuer, endpoint]) if (url !== undefined) requireUrl(url)
  if (endpoint?.endsWith('/')) throw bad(`'${endpoint}' ends in a slash`, 'Write it without.')
}

// What goes there are secrets.
function requireUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  const isPlain = url !== null && !/[?#\s]/.test(text) && url.username === '' && url.password === ''
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))
  if (isPlain && isSafe) return
  throw bad(`'${text}' cannot be where a provider is`, 'Write an https:// URL, as its discovery document has it.')
}

function bad(message: string, hint: string): Fault {
  return new Fault('auth_provider.bad_value', 400, message, { hint })
}
