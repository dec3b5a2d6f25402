import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillTemplate, readMessage } from './message.ts'

const read = (platform: string, body: unknown, more: { headers?: unknown; ttlS?: number } = {}) =>
  readMessage({ platform, body, headers: more.headers, ttlS: more.ttlS ?? null })
const native = (...given: Parameters<typeof read>) => {
  const found = read(...given)
  assert.equal(found.kind, 'native')
  const { platform: _platform, ...message } = found.message
  return message
}

const CASES: { is: string; given: Parameters<typeof read>; gives: unknown }[] = [
  {
    is: 'APNs: the short form of the original',
    given: ['apns', { alert: 'Hi', badge: 2, sound: 'bing.caf', payload: { inAppMessage: 'more' } }],
    gives: {
      payload: { aps: { alert: 'Hi', badge: 2, sound: 'bing.caf' }, inAppMessage: 'more' },
      headers: { 'apns-push-type': 'alert', 'apns-priority': '10' },
    },
  },
  {
    is: 'APNs: as Apple has it, quiet, with what the caller says of it',
    given: ['apns', { aps: { 'content-available': 1 }, a: 1 }, { headers: { 'apns-collapse-id': 'x' } }],
    gives: {
      payload: { aps: { 'content-available': 1 }, a: 1 },
      headers: { 'apns-push-type': 'background', 'apns-priority': '5', 'apns-collapse-id': 'x' },
    },
  },
  {
    is: 'APNs: an expiry',
    given: ['apns', { alert: 'x', expiry: '2027-01-01T00:00:00Z' }],
    gives: {
      payload: { aps: { alert: 'x' } },
      headers: { 'apns-push-type': 'alert', 'apns-priority': '10', 'apns-expiration': '1798761600' },
    },
  },
  {
    is: 'GCM: a text',
    given: ['gcm', 'Hello', { ttlS: 60 }],
    gives: { message: { data: { message: 'Hello' }, android: { ttl: '60s' } } },
  },
  {
    is: 'GCM: what it took of old',
    given: ['gcm', { data: { a: 'b', n: 1, o: { p: 2 }, none: null }, collapse_key: 'k', time_to_live: 5 }],
    gives: { message: { data: { a: 'b', n: '1', o: '{"p":2}' }, android: { ttl: '5s', collapse_key: 'k' } } },
  },
  { is: 'GCM: fields without data', given: ['gcm', { msg: 'x' }], gives: { message: { data: { msg: 'x' } } } },
  {
    is: 'FCM v1 as it is, but for whom it goes to',
    given: ['gcm', { message: { token: 'other', topic: 'all', notification: { title: 't' } } }],
    gives: { message: { notification: { title: 't' } } },
  },
  {
    is: 'WNS: the type is that of its root',
    given: ['wns', '<?xml version="1.0"?><toast><visual/></toast>', { ttlS: 9 }],
    gives: {
      body: '<?xml version="1.0"?><toast><visual/></toast>',
      headers: { 'x-wns-type': 'wns/toast', 'x-wns-ttl': '9' },
    },
  },
  {
    is: 'WNS: anything else is raw',
    given: ['wns', '{"a":1}'],
    gives: { body: '{"a":1}', headers: { 'x-wns-type': 'wns/raw' } },
  },
  {
    is: 'WNS: unless it is said',
    given: ['wns', '<badge value="1"/>', { headers: { 'X-WNS-Type': 'wns/raw', 'X-WNS-Tag': 't' } }],
    gives: { body: '<badge value="1"/>', headers: { 'x-wns-type': 'wns/raw', 'x-wns-tag': 't' } },
  },
  {
    is: 'Web Push: an object is JSON',
    given: ['webpush', { a: 1 }, { ttlS: 3 }],
    gives: { body: '{"a":1}', headers: { ttl: '3' } },
  },
]

for (const { is, given, gives } of CASES) test(is, () => assert.deepEqual(native(...given), gives))

const BAD: [string, unknown, RegExp, unknown?][] = [
  ['mpns', 'x', /MPNS\) was shut down/],
  ['pager', 'x', /no platform 'pager'/],
  ['apns', 7, /has to be an object/],
  ['apns', { aps: 'x' }, /'aps' has to be an object/],
  ['gcm', { data: [] }, /'data' has to be an object/],
  ['template', 'x', /has to be an object/],
  ['wns', 'x'.repeat(20_000), /16384 are the most/],
  ['wns', 'x', /no header/, { authorization: 'Bearer mine' }],
  ['wns', 'x', /no header/, { 'x-wns-tag': 'a\r\nb' }],
]
for (const [platform, body, message, headers] of BAD) {
  test(`${platform} of ${JSON.stringify(body).slice(0, 20)} is refused`, () => {
    assert.throws(() => read(platform, body, { headers }), { code: 'app.bad_request', message })
  })
}

test('templates are filled in the words of their platform', () => {
  const properties = { name: '"A" & <B>', count: '2' }
  const of = (platform: 'wns' | 'apns' | 'gcm' | 'webpush', body: string, headers = {}) => {
    const { platform: _platform, ...message } = fillTemplate(platform, { body, headers }, properties, null)
    return JSON.stringify(message)
  }
  assert.match(of('wns', '<toast>$(name)</toast>'), /<toast>&#34;A&#34; &#38; &#60;B&#62;<\/toast>/)
  assert.match(of('wns', '$(name)', { 'x-wns-type': 'wns/raw' }), /\\"A\\" & <B>/)
  assert.match(of('apns', '{"aps":{"alert":"$(name)","badge":"#(count)"}}'), /"alert":"\\"A\\" & <B>","badge":2/)
  assert.match(of('gcm', '{"data":{"m":"$(name)"}}'), /"data":\{"m":"\\"A\\" & <B>"\}/)
  assert.equal(of('webpush', 'Dear $(name)'), '{"body":"Dear \\"A\\" & <B>","headers":{}}')
  assert.equal(
    of('webpush', '{"title":"$(name)"}'),
    '{"body":"{\\"title\\":\\"\\\\\\"A\\\\\\" & <B>\\"}","headers":{}}',
  )
})
