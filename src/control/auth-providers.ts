// The providers through which a service's users sign in, through the management API.
import type { Caller, KnownCaller } from '../accounts/caller.ts'
import type { AuthProviderView, SetAuthProvider, StoredChangeView } from '../contract/api.ts'
import type { AuthProvider } from '../contract/auth-provider.ts'
import { Fault } from '../kit/fault.ts'
import { isLoopbackHost } from '../kit/loopback.ts'
import { type AuthProviders, authProvidersOf, withProvider, writeAuthProviders } from '../services/auth-providers.ts'
import { listDomains } from '../services/domains.ts'
import { getService, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { auditReplaced } from './replaced-names.ts'
import { storeChange } from './stored-change.ts'
import { urlsOf } from './views.ts'

type Names = { service: string; provider: string }

/** The providers of a service; who may only look sees no secret. */
export async function viewAuthProviders(deps: ApiDeps, caller: KnownCaller, name: string): Promise<AuthProviderView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const bases = await basesOf(deps, service)
  return Object.entries(providersOf(deps, service))
    .map(([provider, settings]) => viewOf(provider, settings, { bases, isSecretShown: caller.role !== 'reader' }))
    .sort((left, right) => (left.provider < right.provider ? -1 : 1))
}

/** Sets one up, or changes it. Faults as `withProvider`. */
export async function setAuthProvider(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: SetAuthProvider,
): Promise<StoredChangeView> {
  return await replaceAuthProviders(deps, caller, names.service, (before) =>
    withProvider(before, names.provider, wanted),
  )
}

/** Takes one away: nobody signs in through it any more. Faults with `auth_provider.unknown`. */
export async function deleteAuthProvider(deps: ApiDeps, caller: Caller, names: Names): Promise<StoredChangeView> {
  const name = names.provider.toLowerCase()
  return await replaceAuthProviders(deps, caller, names.service, (before) => {
    if (Object.hasOwn(before, name)) return Object.fromEntries(Object.entries(before).filter(([one]) => one !== name))
    throw new Fault('auth_provider.unknown', 404, `'${names.service}' has no provider '${name}'`, {
      hint: `See which there are: mainstay mobile auth list ${names.service}`,
    })
  })
}

/** Sets all of them at once. `change` makes them from those that are there, and may fault. */
export async function replaceAuthProviders(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  change: (before: AuthProviders, locked: Service) => AuthProviders,
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const before = providersOf(deps, locked)
    const after = change(before, locked)
    const about = { service: service.name, command: 'mobile auth', before, after }
    if (!(await auditReplaced(trx, caller, about))) return null
    const isEmpty = Object.keys(after).length === 0
    await writeAuthProviders(trx, locked, isEmpty ? null : deps.seal.seal(JSON.stringify(after)))
    return true
  })
  return { isRunning }
}

function viewOf(
  provider: string,
  settings: AuthProvider,
  { bases, isSecretShown }: { bases: string[]; isSecretShown: boolean },
): AuthProviderView {
  const { appId, secret, audiences = [], packageSid = null, issuer = null, scope = null, endpoint = null } = settings
  return {
    ...{ provider, appId, secret: isSecretShown ? secret : null, audiences, packageSid, issuer, scope, endpoint },
    tenants: provider === 'aad' ? (settings.tenants ?? []) : null,
    redirectUris: bases.flatMap((base) => [`${base}/login/${provider}`, `${base}/.auth/login/${provider}/callback`]),
  }
}

// Where its users come from: its name in this cloud, and its domains. In clear only on this machine itself.
async function basesOf(deps: ApiDeps, service: Service): Promise<string[]> {
  const { origin, protocol, host, hostname } = new URL(urlsOf(deps.views.gatewayUrl, service.name).url)
  const domains = await listDomains(deps.db, [service.id])
  return [
    isLoopbackHost(hostname) ? origin : `${protocol.replace('http:', 'https:')}//${host}`,
    ...domains.map(({ name }) => `https://${name}`),
  ]
}

function providersOf(deps: ApiDeps, service: Service): AuthProviders {
  return authProvidersOf(service, (sealed) => deps.seal.open(sealed))
}
