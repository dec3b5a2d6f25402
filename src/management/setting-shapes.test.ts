import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownCaller } from '../accounts/caller.ts'
import type { AuthProviderView, ServiceSettings } from '../contract/api.ts'
import type { AuthProvider } from '../contract/auth-provider.ts'
import { SECRET_PLACEHOLDER } from './secrets.ts'
import {
  changedSettings,
  liveBody,
  providersBody,
  replacedAppSettings,
  replacedLive,
  replacedProviders,
  settingsBody,
} from './setting-shapes.ts'

const owner: KnownCaller = { principal: 'ada', subscriptionId: 'default', role: 'owner' }
const operator: KnownCaller = { ...owner, role: 'operator' }
const settings = { isSchemaDynamic: true, crossDomainWhitelist: ['localhost', '*.example.com'] } as ServiceSettings

test('settings in the groups of the original; whoever has not all rights sees no value', () => {
  const view = { settings, appSettings: [{ name: 'Key', value: 'geheim' }], previewFeatures: ['Users'] }
  assert.deepEqual(settingsBody(owner, view), {
    dynamicSchemaEnabled: true,
    previewFeatures: ['Users'],
    crossDomainWhitelist: [{ host: 'localhost' }, { host: '*.example.com' }],
    customApplicationSettings: [{ name: 'Key', value: 'geheim' }],
  })
  const { customApplicationSettings: hidden } = settingsBody(operator, view)
  assert.deepEqual(hidden, [{ name: 'Key', value: SECRET_PLACEHOLDER }])
})

test('of what is sent back, only what is another is a change', () => {
  const hosts = (...names: string[]) => ({ crossDomainWhitelist: names.map((host) => ({ host })) })
  assert.deepEqual(
    changedSettings({ dynamicSchemaEnabled: true, ...hosts('localhost', '*.example.com') }, settings),
    {},
  )
  assert.deepEqual(changedSettings({ dynamicSchemaEnabled: false }, settings), { isSchemaDynamic: false })
  assert.deepEqual(changedSettings(hosts('a.example'), settings), { crossDomainWhitelist: ['a.example'] })
  assert.deepEqual(changedSettings({ crossDomainWhitelist: null }, settings), {})
})

test('app settings are replaced whole; a placeholder keeps, names have no case, the rules are the usual ones', () => {
  const before = { Key: 'geheim', Other: 'x' }
  const sent = [
    { name: 'KEY', value: SECRET_PLACEHOLDER },
    { name: 'New', value: 'n' },
  ]
  assert.deepEqual(replacedAppSettings(sent, before), { Key: 'geheim', New: 'n' })
  assert.equal(replacedAppSettings(null, before), before)
  const refused = (name: string, value: string) => () => replacedAppSettings([{ name, value }], before)
  assert.throws(refused('Nobody', SECRET_PLACEHOLDER), { code: 'appsetting.bad_value' })
  assert.throws(refused('MS_Key', 'x'), { code: 'appsetting.bad_name' })
})

const NONE = { audiences: [], packageSid: null, issuer: null, scope: null, endpoint: null, tenants: null }
const views: AuthProviderView[] = [
  { ...NONE, provider: 'aad', appId: 'a', secret: '', tenants: ['contoso.onmicrosoft.com'], redirectUris: [] },
  { ...NONE, provider: 'microsoftaccount', appId: 'm', secret: 'geheim', packageSid: 'ms-app://1', redirectUris: [] },
  { ...NONE, provider: 'keycloak', appId: 'k', secret: 'geheim', issuer: 'https://id.example', redirectUris: [] },
]

test('providers have their old names; those that the original does not know are not shown', () => {
  const aad = { provider: 'aad', appId: 'a', secret: '', tenants: ['contoso.onmicrosoft.com'] }
  const microsoft = { provider: 'microsoft', appId: 'm', secret: 'geheim', packageSid: 'ms-app://1' }
  assert.deepEqual(providersBody(owner, views, false), [aad, microsoft])
  assert.deepEqual(providersBody(owner, views, true), [aad])
  assert.deepEqual(liveBody(owner, views), { clientID: 'm', clientSecret: 'geheim', packageSid: 'ms-app://1' })
  assert.equal(providersBody(operator, views, false)[1]?.secret, SECRET_PLACEHOLDER)
  assert.deepEqual(liveBody(owner, []), {})
})

test('providers are replaced whole, and what the original has no word for stays', () => {
  const facebook: AuthProvider = { appId: 'f', secret: 'geheim', endpoint: 'https://f.example' }
  const keycloak: AuthProvider = { appId: 'k', secret: 'geheim', issuer: 'https://id.example' }
  const aad: AuthProvider = { appId: 'a', secret: 'geheim', tenants: ['contoso.onmicrosoft.com'] }
  const microsoftaccount: AuthProvider = { appId: 'm', secret: 'geheim' }
  const before = { facebook, keycloak, aad, microsoftaccount }
  const sent = [
    { provider: 'facebook', appId: 'f2', secret: SECRET_PLACEHOLDER },
    { provider: 'aad', appId: 'a', secret: '', tenants: [] },
    { provider: 'google', appId: '', secret: '' },
  ]
  const after = { facebook: { ...facebook, appId: 'f2' }, keycloak, aad: { appId: 'a', secret: 'geheim' } }
  assert.deepEqual(replacedProviders(sent, before, false), after)
  assert.deepEqual(replacedProviders(sent, before, true), { ...after, microsoftaccount })
  assert.deepEqual(replacedProviders([], before, false), { keycloak })
  const refused = (provider: string, secret: string) => () =>
    replacedProviders([{ provider, appId: 'x', secret }], {}, false)
  assert.throws(refused('myspace', 's'), { code: 'auth_provider.bad_name' })
  assert.throws(refused('twitter', SECRET_PLACEHOLDER), { code: 'auth_provider.bad_value' })
  const half = replacedProviders([{ provider: 'twitter', appId: 'x', secret: '' }], {}, false)
  assert.deepEqual(half, { twitter: { appId: 'x', secret: '' } })
  const whole = replacedProviders([{ provider: 'twitter', appId: 'x', secret: 'y' }], half, false)
  assert.deepEqual(whole, { twitter: { appId: 'x', secret: 'y' } })
})

test('before 2014 the one of Microsoft is set and taken away by itself', () => {
  const set = replacedLive({ clientID: 'm', clientSecret: 's' }, {})
  assert.deepEqual(set, { microsoftaccount: { appId: 'm', secret: 's' } })
  assert.deepEqual(replacedLive({ clientID: 'n', clientSecret: SECRET_PLACEHOLDER }, set), {
    microsoftaccount: { appId: 'n', secret: 's' },
  })
  assert.deepEqual(replacedLive({ clientID: '', clientSecret: '' }, set), {})
})
