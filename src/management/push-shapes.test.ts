import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushView } from '../contract/api.ts'
import { apnsModeOf, hubBody, pushBody, pushChanges } from './push-shapes.ts'
import { SECRET_PLACEHOLDER } from './secrets.ts'

const platform = (name: PushView['platforms'][number]['platform'], facts: Record<string, string> | null) => ({
  platform: name,
  isSet: facts !== null,
  facts: facts ?? {},
  registrations: 0,
})
const viewOf = (...platforms: PushView['platforms']): PushView => ({
  ...{ permission: 'application', platforms, isKnown: true, hasScript: false },
})
const apns = platform('apns', { mode: 'sandbox', topic: 'com.example', keyId: 'K', teamId: 'T', key: '(secret)' })

test('all four are there, empty while they are not set', () => {
  const none = { wnsCredentials: {}, apnsCredentials: {}, gcmCredentials: {} }
  const mpns = { mpnsCredentials: { enableUnauthenticatedSettings: false } }
  assert.deepEqual(pushBody(viewOf(platform('wns', null))), { ...none, ...mpns })
})

test('what is set shows as that, and no secret with it', () => {
  const wns = platform('wns', { packageSid: 'ms-app://1', clientSecret: '(secret)' })
  const body = pushBody(viewOf(wns, apns))
  assert.deepEqual(body.wnsCredentials, { clientSecret: SECRET_PLACEHOLDER, packageSID: 'ms-app://1' })
  assert.deepEqual(body.apnsCredentials, {
    endpoint: 'gateway.sandbox.push.apple.com',
    apnsCertificate: SECRET_PLACEHOLDER,
    ...{ keyId: 'K', teamId: 'T', topic: 'com.example' },
  })
  assert.deepEqual([apnsModeOf(viewOf(apns)), apnsModeOf(viewOf())], ['dev', 'none'])
})

test('what is sent becomes changes; a placeholder keeps a secret, an empty one takes all away', () => {
  const wns = { clientSecret: 's', packageSID: 'ms-app://1' }
  const cases: [Parameters<typeof pushChanges>[0], ReturnType<typeof pushChanges>][] = [
    [{ wnsCredentials: wns }, [{ platform: 'wns', set: { clientSecret: 's', packageSid: 'ms-app://1' } }]],
    [
      { wnsCredentials: { ...wns, clientSecret: SECRET_PLACEHOLDER } },
      [{ platform: 'wns', set: { packageSid: 'ms-app://1' } }],
    ],
    [{ wnsCredentials: {} }, [{ platform: 'wns', set: null }]],
    [{ apnsCredentials: {} }, [{ platform: 'apns', set: null }]],
    [{ gcmCredentials: { apiKey: '{"a":1}' } }, [{ platform: 'gcm', set: { serviceAccount: '{"a":1}' } }]],
    [{ mpnsCredentials: { enableUnauthenticatedSettings: false } }, []],
    [{}, []],
  ]
  for (const [given, wanted] of cases) assert.deepEqual(pushChanges(given), wanted, JSON.stringify(given))
})

test('what nobody takes any more is refused with what to do instead', () => {
  const certificate = { endpoint: 'gateway.push.apple.com', apnsCertificate: 'MIIK', certificateKey: 'pw' }
  assert.throws(() => pushChanges({ apnsCredentials: certificate }), { code: 'push.retired', status: 400 })
  const mpns = { enableUnauthenticatedSettings: true }
  assert.throws(() => pushChanges({ mpnsCredentials: mpns }), { code: 'push.retired', status: 400 })
})

test('the hub is the service itself, and off while no app may register', () => {
  assert.equal(hubBody(viewOf(), 'Shop').externalPushEntitySettingsPropertyBag.externalPushEntityState, 'healthy')
  const off = hubBody({ ...viewOf(), permission: 'admin' }, 'Shop')
  assert.deepEqual(off, { enableExternalPushEntity: false, externalPushEntitySettingsPropertyBag: {} })
})
