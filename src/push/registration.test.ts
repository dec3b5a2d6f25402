import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInstallation, parseRegistration, patchInstallation, withOwner } from './registration.ts'

const WNS = 'https://db3.notify.windows.com/?token=a'
const SUBSCRIPTION = { endpoint: 'https://push.example/1', keys: { p256dh: 'B'.repeat(87), auth: 'a'.repeat(22) } }

test('a registration of the first generation', () => {
  const found = parseRegistration({
    platform: 'WNS',
    deviceId: WNS,
    tags: ['news', 'news', '$InstallationId:{a}'],
    templateName: 'toast',
    templateBody: '<toast>$(message)</toast>',
    headers: { 'X-WNS-Type': 'wns/toast' },
    expiry: '2027-01-01T00:00:00Z',
  })
  assert.deepEqual(found, {
    platform: 'wns',
    channel: WNS,
    keys: null,
    tags: ['news', '$InstallationId:{a}'],
    template: { name: 'toast', body: '<toast>$(message)</toast>' },
    headers: { 'x-wns-type': 'wns/toast' },
    expiresAt: '2027-01-01T00:00:00.000Z',
  })
})

const BAD: [unknown, RegExp][] = [
  [null, /has to be a JSON object/],
  [[], /has to be a JSON object/],
  [{ deviceId: 'x' }, /'platform' has to be one of/],
  [{ platform: 'pager', deviceId: 'x' }, /'platform' has to be one of/],
  [{ platform: 'gcm' }, /'deviceId' has to name the device/],
  [{ platform: 'gcm', deviceId: 7 }, /'deviceId' has to name the device/],
  [{ platform: 'gcm', deviceId: 'x'.repeat(3_000) }, /too long/],
  [{ platform: 'apns', deviceId: 'not/hex' }, /a device token, in hex/],
  [{ platform: 'wns', deviceId: 'nothing' }, /URI of a channel/],
  [{ platform: 'webpush', deviceId: 'x' }, /subscription of a browser|JSON object/],
  [{ platform: 'webpush', deviceId: { endpoint: 'http://push.example', keys: SUBSCRIPTION.keys } }, /subscription/],
  [{ platform: 'gcm', deviceId: 'x', templateBody: '{}' }, /both 'templateBody' and 'templateName'/],
  [{ platform: 'gcm', deviceId: 'x', templateName: 't' }, /both 'templateBody' and 'templateName'/],
  [{ platform: 'gcm', deviceId: 'x', templateName: 't', templateBody: 'no json' }, /JSON object/],
  [{ platform: 'gcm', deviceId: 'x', templateName: 'a b', templateBody: '{}' }, /name of a template/],
  [{ platform: 'gcm', deviceId: 'x', tags: 7 }, /list of texts/],
  [{ platform: 'gcm', deviceId: 'x', tags: ['a b'] }, /1 to 120 letters/],
  [{ platform: 'gcm', deviceId: 'x', tags: [''] }, /1 to 120 letters/],
  [{ platform: 'gcm', deviceId: 'x', tags: Array.from({ length: 61 }, (_, at) => `t${at}`) }, /60 tags, not 61/],
  [{ platform: 'gcm', deviceId: 'x', headers: { 'a b': '1' } }, /names of headers/],
  [{ platform: 'gcm', deviceId: 'x', headers: { a: '1\r\n' } }, /names of headers/],
  [{ platform: 'gcm', deviceId: 'x', expiry: 'soon' }, /an instant/],
]
for (const [body, message] of BAD) {
  test(`a registration is refused: ${message}`, () => {
    assert.throws(() => parseRegistration(body), { code: 'app.bad_request', status: 400, message })
  })
}

test('an installation becomes a registration for itself, each template and each tile', () => {
  const { parts, document } = parseInstallation(
    {
      pushChannel: WNS,
      platform: 'wns',
      tags: ['a'],
      templates: { toast: { body: '<toast/>', tags: ['b'], headers: { 'X-WNS-Type': 'wns/toast' } } },
      secondaryTiles: { t1: { pushChannel: `${WNS}2`, tags: ['c'], templates: { tile: { body: '<tile/>' } } } },
    },
    'one',
  )
  assert.equal(document.installationId, 'one')
  assert.deepEqual(
    parts.map(({ part, registration: { channel, tags, template } }) => [part, channel === WNS, tags, template?.name]),
    [
      ['', true, ['a', '$InstallationId:{one}'], undefined],
      ['/toast', true, ['a', '$InstallationId:{one}', 'b'], 'toast'],
      ['tile:t1', false, ['a', 'c', '$InstallationId:{one}'], undefined],
      ['tile:t1/tile', false, ['a', 'c', '$InstallationId:{one}'], 'tile'],
    ],
  )
})

test('a browser is installed by its subscription, as an object or as JSON', () => {
  for (const pushChannel of [
    SUBSCRIPTION,
    JSON.stringify(SUBSCRIPTION),
    { endpoint: SUBSCRIPTION.endpoint, ...SUBSCRIPTION.keys },
  ]) {
    const { parts } = parseInstallation({ platform: 'browser', pushChannel }, 'one')
    assert.deepEqual(parts[0]?.registration.keys, SUBSCRIPTION.keys)
    assert.equal(parts[0]?.registration.channel, SUBSCRIPTION.endpoint)
  }
})

test('an installation whose body names another one is refused', () => {
  const body = { installationId: 'two', platform: 'gcm', pushChannel: 'x' }
  assert.throws(() => parseInstallation(body, 'one'), { code: 'app.bad_request' })
})

test('who is signed in is said by the token, never by the client', () => {
  const tags = ['news', '_UserId:Facebook:2', '_UserId:anything else']
  assert.deepEqual(withOwner(tags, { userId: 'Facebook:1', installationId: 'phone' }), [
    'news',
    'phone',
    '_UserId:Facebook:1',
  ])
  assert.deepEqual(withOwner(tags, { userId: null, installationId: null }), ['news'])
})

const PATCHES: [unknown, (changed: Record<string, unknown>) => unknown, unknown][] = [
  [[{ op: 'add', path: '/tags', value: 'c' }], ({ tags }) => tags, ['a', 'b', 'c']],
  [[{ op: 'add', path: '/tags/c', value: '' }], ({ tags }) => tags, ['a', 'b', 'c']],
  [[{ op: 'remove', path: '/tags/a' }], ({ tags }) => tags, ['b']],
  [[{ op: 'remove', path: '/tags' }], ({ tags }) => tags, []],
  [[{ op: 'replace', path: '/tags', value: ['z'] }], ({ tags }) => tags, ['z']],
  [[{ op: 'replace', path: '/pushChannel', value: 'new' }], ({ pushChannel }) => pushChannel, 'new'],
  [[{ op: 'add', path: '/templates/x/body', value: 'b' }], ({ templates }) => templates, { x: { body: 'b' } }],
  [{ pushChannel: 'other' }, ({ pushChannel, tags }) => [pushChannel, tags], ['other', ['a', 'b']]],
]
for (const [patch, of, expected] of PATCHES) {
  test(`a change: ${JSON.stringify(patch)}`, () => {
    const document = { platform: 'gcm', pushChannel: 'old', tags: ['a', 'b'] }
    assert.deepEqual(of(patchInstallation(document, patch)), expected)
    assert.deepEqual(document.tags, ['a', 'b'])
  })
}

for (const patch of [null, 'x', [{ op: 'move', path: '/tags' }], [{ op: 'add' }], [{ op: 'add', path: 'tags' }], [7]]) {
  test(`what is no change is refused: ${JSON.stringify(patch)}`, () => {
    assert.throws(() => patchInstallation({ tags: [] }, patch), { code: 'app.bad_request' })
  })
}

test('a change reaches nothing that all objects share', () => {
  patchInstallation({}, [{ op: 'add', path: '/__proto__/polluted', value: 1 }])
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})
