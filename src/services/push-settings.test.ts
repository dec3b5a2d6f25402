import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { factsOfPlatform, requirePlatform, withoutPlatform, withPlatform } from './push-settings.ts'

const pem = (type: 'ec' | 'rsa') =>
  type === 'ec'
    ? String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
    : String(generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
const EC = pem('ec')
const RSA = pem('rsa')
const ACCOUNT = JSON.stringify({ project_id: 'p', client_email: 'a@b', private_key: RSA, private_key_id: 'k' })
const APNS = { keyId: 'ABCDE12345', teamId: 'TEAM123456', key: EC, topic: 'com.example.app' }

test('what is set is kept, what is left out stays, and no secret comes out', () => {
  let settings = withPlatform({}, 'wns', { packageSid: 'ms-app://s-1-2', clientSecret: 'a secret' })
  settings = withPlatform(settings, 'wns', { clientSecret: 'another', endpoint: 'http://127.0.0.1:8000' })
  assert.deepEqual(settings.wns, {
    packageSid: 'ms-app://s-1-2',
    clientSecret: 'another',
    endpoint: 'http://127.0.0.1:8000',
  })
  settings = withPlatform(settings, 'apns', { ...APNS, mode: 'sandbox' })
  settings = withPlatform(settings, 'gcm', { serviceAccount: ACCOUNT })
  settings = withPlatform(settings, 'webpush', { subject: 'mailto:a@example.com' })
  assert.equal(settings.apns?.mode, 'sandbox')
  assert.equal(settings.gcm?.privateKeyId, 'k')
  const shown = JSON.stringify(
    (['wns', 'apns', 'gcm', 'webpush'] as const).map((one) => factsOfPlatform(settings, one)),
  )
  for (const secret of ['another', 'PRIVATE', settings.webpush?.privateKey ?? '']) assert.ok(!shown.includes(secret))
  assert.match(shown, /"publicKey":"B[\w-]{86}"/)
  const cleared = withPlatform(settings, 'wns', { endpoint: null })
  assert.equal(cleared.wns?.endpoint, undefined)
  assert.equal(withoutPlatform(settings, 'apns').apns, undefined)
})

test('keys of Web Push are made once, again when that is wanted, or given', () => {
  const first = withPlatform({}, 'webpush', { subject: 'https://example.com/contact' })
  const second = withPlatform(first, 'webpush', { subject: 'mailto:b@example.com' })
  assert.equal(second.webpush?.publicKey, first.webpush?.publicKey)
  const third = withPlatform(second, 'webpush', { isRenewed: true })
  assert.notEqual(third.webpush?.publicKey, first.webpush?.publicKey)
  const { publicKey = '', privateKey = '' } = first.webpush ?? {}
  assert.equal(withPlatform(third, 'webpush', { publicKey, privateKey }).webpush?.privateKey, privateKey)
})

const BAD: [Parameters<typeof withPlatform>[1], object, RegExp][] = [
  ['wns', {}, /'packageSid' is missing/],
  ['wns', { packageSid: 'S-1-2', clientSecret: 'x' }, /no package SID/],
  ['wns', { packageSid: 'ms-app://x' }, /'clientSecret' is missing/],
  ['wns', { serviceAccount: 'x' }, /wns has no 'serviceAccount'/],
  ['apns', { ...APNS, keyId: 'short' }, /no keyId/],
  ['apns', { ...APNS, key: RSA }, /no key of APNs/],
  ['apns', { ...APNS, key: '-----BEGIN CERTIFICATE-----' }, /a certificate, not a key/],
  ['apns', { ...APNS, topic: 'a b' }, /no bundle id/],
  ['gcm', { serviceAccount: 'AIzaSyOldServerKey' }, /no service account/],
  ['gcm', { serviceAccount: '{}' }, /no project_id/],
  [
    'gcm',
    { serviceAccount: ACCOUNT.replace(JSON.stringify(RSA), JSON.stringify(EC)) },
    /private_key of the service account/,
  ],
  ['webpush', { subject: 'me' }, /no subject/],
  ['webpush', { subject: 'mailto:a@b.c', publicKey: 'x' }, /one key without the other/],
  ['webpush', { subject: 'mailto:a@b.c', publicKey: 'x', privateKey: 'y' }, /no VAPID keys of one pair/],
  ['wns', { packageSid: 'ms-app://x', clientSecret: 'y', endpoint: 'ftp://x' }, /no endpoint/],
  ['wns', { packageSid: 'ms-app://x', clientSecret: 'y', endpoint: 'https://x/path' }, /no endpoint/],
]
for (const [platform, given, message] of BAD) {
  test(`${platform}: ${message}`, () => {
    assert.throws(() => withPlatform({}, platform, given), { code: 'push.bad_settings', status: 400, message })
  })
}

test('other platforms are refused, the retired one with a reason', () => {
  assert.equal(requirePlatform('WNS'), 'wns')
  assert.throws(() => requirePlatform('mpns'), { code: 'push.retired', message: /was shut down/ })
  assert.throws(() => requirePlatform('pager'), { code: 'push.unknown' })
})
