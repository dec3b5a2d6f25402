// Settings of a service, and the providers its users sign in through, as the original's management protocol writes them.
import type { KnownCaller } from '../accounts/caller.ts'
import type { AppSettingView, AuthProviderView, ServiceSettings, SetAuthProvider } from '../contract/api.ts'
import { isKnownProvider, KNOWN_PROVIDERS } from '../contract/auth-provider.ts'
import { Fault } from '../kit/fault.ts'
import { type AppSettings, nameIn, withSetting } from '../services/app-settings.ts'
import { type AuthProviders, withProvider } from '../services/auth-providers.ts'
import { SECRET_PLACEHOLDER, shownSecret } from './secrets.ts'

/** What a client sends of settings; what is left out stays. */
export type SettingsBody = { dynamicSchemaEnabled?: boolean; crossDomainWhitelist?: { host: string }[] | null }

/** Settings as the original groups them. */
export function settingsBody(
  caller: KnownCaller,
  view: { settings: ServiceSettings; appSettings: AppSettingView[]; previewFeatures: string[] },
) {
  return {
    dynamicSchemaEnabled: view.settings.isSchemaDynamic,
    previewFeatures: view.previewFeatures,
    crossDomainWhitelist: view.settings.crossDomainWhitelist.map((host) => ({ host })),
    customApplicationSettings: view.appSettings.map(({ name, value }) => ({ name, value: shown(caller, value) })),
  }
}

/** Of what was sent, what is another than before. */
export function changedSettings(
  { dynamicSchemaEnabled, crossDomainWhitelist }: SettingsBody,
  before: ServiceSettings,
): Partial<ServiceSettings> {
  const hosts = crossDomainWhitelist?.map(({ host }) => host).filter((host) => host !== '')
  const isSame = hosts === undefined || hosts.join() === before.crossDomainWhitelist.join()
  return {
    ...(dynamicSchemaEnabled === undefined || dynamicSchemaEnabled === before.isSchemaDynamic
      ? {}
      : { isSchemaDynamic: dynamicSchemaEnabled }),
    ...(isSame ? {} : { crossDomainWhitelist: hosts }),
  }
}

/** All app settings as sent; null: as they are. A placeholder keeps what is there. Faults as `withSetting`. */
export function replacedAppSettings(sent: { name: string; value: string }[] | null, before: AppSettings): AppSettings {
  if (sent === null) return before
  return sent.reduce<AppSettings>((after, { name, value }) => {
    const known = nameIn(before, name)
    if (value !== SECRET_PLACEHOLDER) return withSetting(after, known ?? name, value)
    if (known !== null) return withSetting(after, known, before[known] ?? '')
    throw new Fault('appsetting.bad_value', 400, `there is no app setting '${name}' whose value could be kept`, {
      hint: 'Send its value.',
    })
  }, {})
}

/** A provider as the original writes one. */
export type ProviderBody = {
  provider: string
  appId?: string | null
  secret?: string | null
  packageSid?: string | null
  tenants?: string[] | null
}
/** The one of Microsoft, which was told apart before 2014. */
export type LiveBody = { clientID?: string | null; clientSecret?: string | null; packageSid?: string | null }

const MICROSOFT = { wire: 'microsoft', own: 'microsoftaccount' }

/** The providers that the original knows. */
export function providersBody(caller: KnownCaller, views: AuthProviderView[], isOlder: boolean): ProviderBody[] {
  return views
    .filter(({ provider }) => isKnownProvider(provider) && !(isOlder && provider === MICROSOFT.own))
    .map(({ provider, appId, secret, packageSid, tenants }) => ({
      provider: provider === MICROSOFT.own ? MICROSOFT.wire : provider,
      appId,
      secret: shown(caller, secret),
      ...(packageSid === null ? {} : { packageSid }),
      ...(tenants === null ? {} : { tenants }),
    }))
}

/**
 * The providers as sent: those that the original knows and were not sent are gone, those that it does not know stay,
 * and so does what it has no word for. Faults as `withProvider`.
 */
export function replacedProviders(sent: ProviderBody[], before: AuthProviders, isOlder: boolean): AuthProviders {
  // Clients write one that was never set as empty texts, and set one half after the other.
  const wanted = sent.filter(({ appId, secret, packageSid }) => appId || secret || packageSid)
  const names = wanted.map(({ provider }) => ownName(provider))
  const isKept = (name: string) => names.includes(name) || !isKnownProvider(name) || (isOlder && name === MICROSOFT.own)
  const after = wanted.reduce(withOne, before)
  return Object.fromEntries(Object.entries(after).filter(([name]) => isKept(name)))
}

/** The one of Microsoft, or nothing. */
export function liveBody(caller: KnownCaller, views: AuthProviderView[]): LiveBody {
  const found = views.find(({ provider }) => provider === MICROSOFT.own)
  if (!found) return {}
  const { appId, secret, packageSid } = found
  return { clientID: appId, clientSecret: shown(caller, secret), ...(packageSid === null ? {} : { packageSid }) }
}

/** The same as sent; an empty one takes it away. */
export function replacedLive(
  { clientID: appId = null, clientSecret: secret = null, packageSid = null }: LiveBody,
  before: AuthProviders,
): AuthProviders {
  if (appId || secret || packageSid) {
    return withOne(before, { provider: MICROSOFT.wire, appId, secret, packageSid })
  }
  return Object.fromEntries(Object.entries(before).filter(([name]) => name !== MICROSOFT.own))
}

// Null: the view keeps it from this caller already.
function shown(caller: KnownCaller, secret: string | null): string {
  return secret === null ? SECRET_PLACEHOLDER : shownSecret(caller, secret)
}

function ownName(given: string): string {
  const name = given.toLowerCase()
  if (name === MICROSOFT.wire) return MICROSOFT.own
  if (isKnownProvider(name)) return name
  throw new Fault('auth_provider.bad_name', 400, `'${given}' is no provider that these settings can hold`, {
    hint: `They hold ${KNOWN_PROVIDERS.join(', ')}. Another one: mainstay mobile auth set SERVICE NAME`,
  })
}

function withOne(all: AuthProviders, sent: ProviderBody): AuthProviders {
  const name = ownName(sent.provider)
  if (sent.secret === SECRET_PLACEHOLDER && name !== 'aad' && !all[name]?.secret) {
    throw new Fault('auth_provider.bad_value', 400, `'${sent.provider}' needs its secret: there is none to keep`, {
      hint: 'Send it.',
    })
  }
  return withProvider(all, name, wantedOf(sent), { mayBeHalf: true })
}

// Clients of the original send an empty secret with aad always, since it had none there.
function wantedOf({ provider, appId, secret, packageSid, tenants }: ProviderBody): SetAuthProvider {
  const isSecretKept = secret === SECRET_PLACEHOLDER || (!secret && ownName(provider) === 'aad')
  const isOfPackage = packageSid !== undefined && packageSid !== null && ownName(provider) === MICROSOFT.own
  return {
    appId: appId ?? '',
    ...(isSecretKept ? {} : { secret: secret ?? '' }),
    ...(isOfPackage ? { packageSid } : {}),
    ...(tenants ? { tenants } : {}),
  }
}
