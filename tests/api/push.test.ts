// Push notifications of a service over a real PostgreSQL, to stand-ins of the platforms that speak their protocols.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PushSend } from '../../src/contract/push.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { channelOf, deviceToken } from '../support/push-platforms.ts'
import { type PushService, startPushService } from '../support/push-service.ts'
import { APP, check, errorBody, MASTER } from '../support/runtime-scenario.ts'
import { userToken } from '../support/user-tokens.ts'

const EXTENSION = `
  exports.register = function (registration, context, done) {
    if (registration.tags.indexOf('forbidden') >= 0) return done('That tag is not for you.');
    if (registration.tags.indexOf('teapot') >= 0) return done({ statusCode: 418, message: 'short and stout' });
    if (registration.tags.indexOf('broken') >= 0) throw new Error('on purpose');
    if (registration.tags.indexOf('looked-up') >= 0) {
      return context.tables.getTable('TodoItem').read({ success: function (rows) {
        registration.tags.push('rows:' + rows.length + ':' + context.user.level);
        done();
      } });
    }
    if (registration.tags.indexOf('changed') >= 0) registration.tags = ['by-script'];
    done();
  };`
const GEN2 = { 'zumo-api-version': '2.0.0', ...APP }

type Sent = { result: { sends: { id: string; platform: string; total: number }[] } }

describe('push notifications', () => {
  let to: PushService
  before(async () => {
    to = await startPushService({ 'extensions/push': EXTENSION })
  })
  after(async () => await to?.stop())

  const register = async (body: object, headers: Record<string, string> = APP): Promise<string> => {
    const { status, headers: answered } = await to.ask('POST', '/push/registrationids', undefined, headers)
    assert.equal(status, 201)
    const id = answered.location?.split('/').at(-1) ?? ''
    check({ status: 204, equals: '' }, await to.ask('PUT', `/push/registrations/${id}`, body, headers))
    return id
  }
  const listed = async (platform: string, deviceId: string) => {
    const query = new URLSearchParams({ platform, deviceId })
    const { status, body } = await to.ask('GET', `/push/registrations?${query}`)
    assert.equal(status, 200, body)
    return JSON.parse(body) as { registrationId: string; tags: string[]; templateName?: string }[]
  }
  const install = async (id: string, body: object, headers: Record<string, string> = GEN2) =>
    check({ status: 204 }, await to.ask('PUT', `/push/installations/${id}`, body, headers))
  const sent = async (call: string, args: unknown[]): Promise<PushSend[]> => {
    const { result } = (await to.push(call, args)) as Sent
    return await Promise.all(result.sends.map(async ({ id }) => await to.over(id)))
  }
  const got = (device: string) => to.platforms.received.filter((one) => one.device === device)

  test('a registration of the first generation is made, listed, replaced and removed', async () => {
    const deviceId = channelOf('first')
    const id = await register(
      { platform: 'wns', deviceId, tags: ['news'] },
      { ...APP, 'x-zumo-installation-id': 'phone-1' },
    )
    const [found] = await listed('wns', deviceId)
    assert.deepEqual(found, { registrationId: id, platform: 'wns', deviceId, tags: ['news', 'phone-1'] })
    const template = { templateName: 't', templateBody: '<toast>$(m)</toast>', headers: { 'X-WNS-Type': 'wns/toast' } }
    check({ status: 204 }, await to.ask('PUT', `/push/registrations/${id}`, { platform: 'wns', deviceId, ...template }))
    assert.deepEqual(await listed('wns', deviceId), [
      { registrationId: id, platform: 'wns', deviceId, tags: [], ...template, headers: { 'x-wns-type': 'wns/toast' } },
    ])
    check({ status: 200, equals: '' }, await to.ask('DELETE', `/push/registrations/${id}`))
    check({ status: 200 }, await to.ask('DELETE', `/push/registrations/${id}`))
    assert.deepEqual(await listed('wns', deviceId), [])
    const gone = `There is no registration '${id}' any more: ask for a new id.`
    const again = await to.ask('PUT', `/push/registrations/${id}`, { platform: 'wns', deviceId })
    check({ status: 410, equals: errorBody(410, gone) }, again)
  })

  test('where its URL is, a client reads from Location, also behind a path', async () => {
    const headers = { ...APP, 'x-mainstay-prefix': '/services/todo', 'x-forwarded-proto': 'https' }
    const { headers: answered } = await to.ask('POST', '/Push/RegistrationIds', undefined, headers)
    assert.match(
      answered.location ?? '',
      /^https:\/\/todo\.example\.test\/services\/todo\/push\/registrations\/[\w-]+$/,
    )
  })

  const REFUSED: [string, string, unknown, number, Record<string, string>?][] = [
    ['POST', '/push/registrationids', undefined, 401, {}],
    ['PUT', '/push/registrations/x', { platform: 'gcm', deviceId: 'x' }, 401, {}],
    ['PUT', '/push/registrations/x', { platform: 'gcm', deviceId: 'x' }, 410],
    ['PUT', '/push/registrations/x', {}, 400],
    ['PUT', '/push/registrations/x', undefined, 400],
    ['PUT', '/push/registrations/x', { platform: 'gcm', deviceId: 'x', templateBody: '{}' }, 400],
    ['PUT', `/push/registrations/${'x'.repeat(300)}`, { platform: 'gcm', deviceId: 'x' }, 400],
    ['PUT', '/push/registrations/a%00b', { platform: 'gcm', deviceId: 'x' }, 400],
    ['GET', '/push/registrations', undefined, 400],
    ['GET', '/push/registrations?platform=gcm', undefined, 400],
    ['GET', '/push/registrations?platform=pager&deviceId=x', undefined, 400],
    ['GET', '/push/registrations/x', undefined, 405],
    ['GET', '/push/registrationids', undefined, 405],
    ['POST', '/push/registrationids/x', undefined, 404],
    ['GET', '/push', undefined, 404],
    ['GET', '/push/nothing', undefined, 404],
    ['GET', '/push/installations/none', undefined, 404],
    ['POST', '/push/installations/none', {}, 405],
    ['PUT', '/push/installations', {}, 404],
    ['PUT', '/push/installations/i', { platform: 'gcm' }, 400],
    ['PATCH', '/push/installations/none', [], 404],
    ['GET', '/push/installations/i', undefined, 400, { ...APP, 'zumo-api-version': '9.0.0' }],
    ['GET', '/.mainstay/push', undefined, 401],
  ]
  for (const [method, path, body, status, headers] of REFUSED) {
    test(`${method} ${path.slice(0, 50)} of ${JSON.stringify(body)} is answered ${status}`, async () => {
      check({ status }, await to.ask(method, path, body, headers))
    })
  }

  test('a page finds the key that it subscribes with', async () => {
    const { publicKey } = to.platforms.settings.webpush
    check({ status: 200, equals: JSON.stringify({ publicKey }) }, await to.ask('GET', '/push/webpush/key'))
    check({ status: 401 }, await to.ask('GET', '/push/webpush/key', undefined, {}))
    check({ status: 404 }, await to.ask('GET', '/push/webpush'))
  })

  test('an installation of the second generation is put, changed, read and removed', async () => {
    const body = {
      platform: 'gcm',
      pushChannel: 'token-install',
      tags: ['a'],
      templates: { news: { body: '{"data":{"m":"$(m)"}}', tags: ['b'] } },
    }
    await install('phone-2', body)
    const read = await to.ask('GET', '/push/installations/phone-2', undefined, GEN2)
    assert.deepEqual(JSON.parse(read.body), { installationId: 'phone-2', ...body })
    const rows = await listed('gcm', 'token-install')
    assert.deepEqual(
      rows.map(({ tags, templateName }) => [templateName, tags.sort()]),
      [
        [undefined, ['$InstallationId:{phone-2}', 'a']],
        ['news', ['$InstallationId:{phone-2}', 'a', 'b']],
      ],
    )
    const patch = [
      { op: 'add', path: '/tags', value: 'c' },
      { op: 'remove', path: '/templates/news' },
    ]
    check({ status: 204 }, await to.ask('PATCH', '/push/installations/phone-2', patch, GEN2))
    assert.deepEqual(
      (await listed('gcm', 'token-install')).map(({ tags }) => tags.sort()),
      [['$InstallationId:{phone-2}', 'a', 'c']],
    )
    check({ status: 204 }, await to.ask('DELETE', '/push/installations/phone-2', undefined, GEN2))
    check({ status: 204 }, await to.ask('DELETE', '/push/installations/phone-2', undefined, GEN2))
    assert.deepEqual(await listed('gcm', 'token-install'), [])
  })

  test('who is signed in is a tag that the token makes, and no client', async () => {
    const token = { ...APP, 'x-zumo-auth': userToken('master-key') }
    await register({ platform: 'gcm', deviceId: 'token-ann', tags: ['_UserId:Custom:bob', 'x'] }, token)
    assert.deepEqual((await listed('gcm', 'token-ann'))[0]?.tags, ['x', '_UserId:Custom:ann'])
    await register({ platform: 'gcm', deviceId: 'token-bob', tags: ['_UserId:Custom:ann'] })
    assert.deepEqual((await listed('gcm', 'token-bob'))[0]?.tags, [])
    const template = { t: { body: '{"data":{"m":"$(m)"}}', tags: ['_UserId:Custom:bob'] } }
    const body = { platform: 'gcm', pushChannel: 'token-ann-2', tags: ['_UserId:Custom:bob'], templates: template }
    await install('ann-2', body, { ...GEN2, 'x-zumo-auth': userToken('master-key') })
    for (const { tags } of await listed('gcm', 'token-ann-2')) {
      assert.deepEqual(
        tags.filter((tag) => tag.startsWith('_UserId')),
        ['_UserId:Custom:ann'],
      )
    }
    const [send] = await sent('gcm.send', ['_UserId:Custom:ann', { data: { hi: 'ann' } }])
    assert.equal(send?.sent, 2)
    assert.equal(got('token-bob').length, 0)
  })

  test('the extension may change tags, look things up, or refuse', async () => {
    await register({ platform: 'gcm', deviceId: 'token-changed', tags: ['changed'] })
    assert.deepEqual((await listed('gcm', 'token-changed'))[0]?.tags, ['by-script'])
    await register({ platform: 'gcm', deviceId: 'token-rows', tags: ['looked-up'] })
    assert.deepEqual((await listed('gcm', 'token-rows'))[0]?.tags, ['looked-up', 'rows:0:anonymous'])
    const put = async (tag: string) =>
      await to.ask('PUT', '/push/installations/refused', { platform: 'gcm', pushChannel: 'token-no', tags: [tag] }, APP)
    check({ status: 400, equals: errorBody(400, 'That tag is not for you.') }, await put('forbidden'))
    check({ status: 418, equals: errorBody(418, 'short and stout') }, await put('teapot'))
    check({ status: 500, equals: errorBody(500, 'Internal Server Error') }, await put('broken'))
    assert.deepEqual(await listed('gcm', 'token-no'), [])
  })

  test('one device of each platform is sent to at once, in its own protocol', async () => {
    const { platforms, push } = to
    const subscription = platforms.subscribe('browser-1')
    const cases: [string, unknown[], string, RegExp, Record<string, string>][] = [
      [
        'wns.sendToastText02',
        [
          channelOf('direct'),
          { text1: 'a & b', text2: 'c' },
          { launch: 'x', headers: { 'X-WNS-Tag': 'tag' }, ttl: 60 },
        ],
        'direct',
        /^<toast launch="x"><visual><binding template="ToastText02"><text id="1">a &#38; b<\/text>/,
        { 'x-wns-type': 'wns/toast', 'content-type': 'text/xml', 'x-wns-tag': 'tag', 'x-wns-ttl': '60' },
      ],
      ['wns.sendBadge', [channelOf('counted'), 5], 'counted', /^<badge value="5"\/>$/, { 'x-wns-type': 'wns/badge' }],
      [
        'wns.sendRaw',
        [channelOf('raw'), '<toast/>'],
        'raw',
        /^<toast\/>$/,
        { 'x-wns-type': 'wns/raw', 'content-type': 'application/octet-stream' },
      ],
      [
        'wns.sendTileWideImageAndText01',
        [channelOf('tile'), 'http://a/b.png', 'alt', 'words', { type: 'x' }],
        'tile',
        /<image id="1" src="http:\/\/a\/b.png" alt="alt"\/><text id="1">words<\/text>/,
        { 'x-wns-type': 'wns/tile' },
      ],
      ['wns.send', [channelOf('xml'), '<tile/>', 'wns/tile'], 'xml', /^<tile\/>$/, { 'x-wns-type': 'wns/tile' }],
      [
        'apns.send',
        [deviceToken('iphone'), { alert: 'Hi', badge: 3, payload: { more: true } }, { ttl: 3_600 }],
        'iphone',
        /^\{"aps":\{"alert":"Hi","badge":3\},"more":true\}$/,
        { 'apns-push-type': 'alert', 'apns-priority': '10', 'apns-topic': 'com.example.app' },
      ],
      [
        'gcm.send',
        [`android${'x'.repeat(130)}`, 'Hello'],
        `android${'x'.repeat(130)}`,
        /"data":\{"message":"Hello"\}/,
        { 'content-type': 'application/json' },
      ],
      [
        'gcm.sendAdvanced',
        [{ registration_ids: ['short-token'], data: { a: '1' }, time_to_live: 60 }, 4],
        'short-token',
        /"data":\{"a":"1"\},"android":\{"ttl":"60s"\}/,
        {},
      ],
      [
        'webpush.send',
        [subscription, { title: 'Grüße 😀' }, { ttl: 30, headers: { urgency: 'high', topic: 'news' } }],
        'browser-1',
        /^\{"title":"Grüße 😀"\}$/,
        { ttl: '30', urgency: 'high', topic: 'news', 'content-encoding': 'aes128gcm' },
      ],
    ]
    for (const [call, args, device, body, headers] of cases) {
      const answer = (await push(call, args)) as { result: unknown; error?: string }
      assert.equal(answer.error, undefined, call)
      const [received] = got(device)
      assert.match(received?.body ?? '', body, call)
      for (const [name, value] of Object.entries(headers))
        assert.equal(received?.headers[name], value, `${call} ${name}`)
    }
    assert.equal(platforms.tokens.wns, 1, 'one token for all')
    assert.equal(platforms.tokens.gcm, 1)
    await push('apns.send', [deviceToken('iphone-2'), 'text only'])
    assert.match(got('iphone-2')[0]?.body ?? '', /"alert":"text only"/)
    assert.equal(platforms.tokens.apnsSessions, 1, 'one kept connection')
  })

  test('handlers of old are called for each device, and what is refused says why', async () => {
    const { push } = to
    const devices = [channelOf('h-1'), channelOf('gone-1'), channelOf('bad-1')]
    const told = (await push('wns.sendToastText01', [devices, { text1: 'x' }], {
      how: 'handlers',
      expect: 3,
    })) as object[]
    assert.deepEqual(
      told.map((one) => JSON.stringify(one)).sort(),
      [
        { error: 'WNS did not take it: 400 bad.', statusCode: 400 },
        { error: 'WNS knows no such device any more: 410.', statusCode: 410 },
        { result: { isSuccessful: true, deviceId: devices[0] } },
      ].map((one) => JSON.stringify(one)),
    )
    const called = (await push('apns.send', [deviceToken('h-2'), { alert: 'x' }], { how: 'callback' })) as object[]
    assert.deepEqual(called, [{ result: { isSuccessful: true, deviceId: deviceToken('h-2') } }])
    const many = (await push('gcm.send', [[`a${'x'.repeat(130)}`, `b${'x'.repeat(130)}`], 'x'])) as { result: object[] }
    assert.equal(many.result.length, 2)
    await assert.rejects(push('wns.sendRaw', [channelOf('bad-2'), 'x'], { how: 'nobody' }), /500/)
    const crowd = Array.from({ length: 300 }, (_, at) => channelOf(`crowd-${at}`))
    const { result } = (await push('wns.sendRaw', [crowd, 'x'])) as { result: { deviceId: string }[] }
    assert.deepEqual(
      result.map(({ deviceId }) => deviceId),
      crowd,
      'more devices than a runtime takes questions at once',
    )
  })

  test('a device that is busy is tried again when it asked for that', async () => {
    const begun = Date.now()
    await to.push('apns.send', [deviceToken('busy-direct'), { alert: 'x' }])
    assert.equal(got('busy-direct').length, 1)
    assert.equal(to.platforms.tries.get('busy-direct'), 3)
    assert.ok(Date.now() - begun >= 2_000, 'Retry-After was 1 s, twice')
  })

  const WRONG: [string, unknown[], RegExp][] = [
    ['mpns.sendToast', ['http://x', { text1: 'x' }], /MPNS\) was shut down/],
    ['mpns.sendFlipTile', [], /MPNS\) was shut down/],
    ['wns.sendRaw', ['https://evil.example/?token=x', 'x', { to: 'devices' }], /it is no device of wns/],
    ['wns.send', ['news sports', '<toast/>'], /'sports' at 5 is not expected/],
    ['apns.send', ['nothing/../x', { alert: 'x' }, { to: 'devices' }], /device token, in hex/],
    ['apns.send', [null, 7], /has to be an object/],
    ['gcm.send', [null, { data: 'x' }], /'data' has to be an object/],
    ['webpush.send', [{ endpoint: 'http://push.example/', keys: {} }, 'x'], /subscription of a browser/],
    ['send', ['(a || b', { m: 'x' }], /a parenthesis is not closed/],
    ['send', [null, 'no object'], /has to be an object/],
    ['getRegistration', ['none'], /There is no registration 'none'/],
    ['createRegistration', [{ platform: 'gcm' }], /'deviceId' has to name the device/],
    ['getInstallation', [7], /a text of 1 to 255/],
    ['wns.send', [null, '<toast/>', { headers: { authorization: 'mine' } }], /no header that a platform of push has/],
  ]
  for (const [call, args, message] of WRONG) {
    test(`push.${call}(${JSON.stringify(args).slice(1, 60)}) says what is wrong`, async () => {
      const { error, statusCode } = (await to.push(call, args)) as { error: string; statusCode: number }
      assert.match(error, message)
      assert.ok(statusCode >= 400 && statusCode < 500, String(statusCode))
    })
  }

  test('a message to tags goes to those devices, and to no others', async () => {
    for (const [name, ...tags] of [
      ['t-a', 'x:a'],
      ['t-b', 'x:b'],
      ['t-ab', 'x:a', 'x:b'],
      ['t-c', 'x:c'],
    ]) {
      await register({ platform: 'wns', deviceId: channelOf(name ?? ''), tags })
    }
    const cases: [unknown, string[]][] = [
      ['x:a', ['t-a', 't-ab']],
      ['(x:a || x:c) && !x:b', ['t-a', 't-c']],
      [
        ['x:b', 'x:c'],
        ['t-b', 't-ab', 't-c'],
      ],
    ]
    for (const [tags, devices] of cases) {
      const body = `<toast>${JSON.stringify(tags)}</toast>`
      const [send] = await sent('wns.send', [tags, body])
      assert.equal(send?.state, 'done')
      assert.equal(send?.total, devices.length)
      assert.equal(send?.sent, devices.length)
      const reached = to.platforms.received.filter((one) => one.body === body).map(({ device }) => device)
      assert.deepEqual(reached.sort(), devices.sort())
    }
    const [none] = await sent('wns.send', ['x:nobody', '<toast/>'])
    assert.deepEqual([none?.state, none?.total], ['done', 0])
  })

  test('a message without a platform fills the template of each device, on all platforms', async () => {
    const tags = ['y:template']
    const { subscribe } = to.platforms
    const templates: [string, unknown, string, object?][] = [
      ['wns', channelOf('m-wns'), "<toast><text>{$(greeting) + ', ' + $(name)}</text></toast>"],
      ['apns', deviceToken('m-apns'), '{"aps":{"alert":"$(greeting)","badge":"#(count)"}}'],
      ['gcm', 'm-gcm', '{"data":{"m":".(name, 6)"}}'],
      ['webpush', JSON.stringify(subscribe('m-web')), '{"title":"$(greeting)"}'],
      ['wns', channelOf('m-raw'), '$(greeting)', { 'X-WNS-Type': 'wns/raw' }],
      ['mpns', 'http://phone', '<toast/>'],
    ]
    for (const [platform, deviceId, templateBody, headers] of templates) {
      await register({ platform, deviceId, tags, templateName: 't', templateBody, ...(headers ? { headers } : {}) })
    }
    await register({ platform: 'gcm', deviceId: 'm-native', tags })
    const sends = await sent('send', ['y:template', { greeting: 'Hi & <you>', name: 'Frederick', count: 4 }])
    assert.deepEqual(sends.map(({ platform, total, sent: count }) => [platform, total, count]).sort(), [
      ['apns', 1, 1],
      ['gcm', 1, 1],
      ['webpush', 1, 1],
      ['wns', 2, 2],
    ])
    assert.equal(got('m-wns')[0]?.body, '<toast><text>Hi &#38; &#60;you&#62;, Frederick</text></toast>')
    assert.equal(got('m-wns')[0]?.headers['x-wns-type'], 'wns/toast')
    assert.equal(got('m-apns')[0]?.body, '{"aps":{"alert":"Hi & <you>","badge":4}}')
    assert.match(got('m-gcm')[0]?.body ?? '', /"data":\{"m":"Fre\.\.\."\}/)
    assert.equal(got('m-web')[0]?.body, '{"title":"Hi & <you>"}')
    assert.equal(got('m-raw')[0]?.body, 'Hi & <you>')
    assert.equal(got('m-native').length, 0)
  })

  test('devices that their platform does not know any more are removed, and remembered', async () => {
    const tags = ['z:dead']
    const browser = JSON.stringify(to.platforms.subscribe('gone-web'))
    await register({ platform: 'wns', deviceId: channelOf('gone-wns'), tags })
    await register({ platform: 'apns', deviceId: deviceToken('gone-apns'), tags })
    await install('gone-phone', {
      platform: 'gcm',
      pushChannel: 'gone-gcm',
      tags,
      templates: { t: { body: '{"a":"$(b)"}' } },
    })
    await register({ platform: 'webpush', deviceId: browser, tags })
    await register({ platform: 'wns', deviceId: channelOf('alive'), tags })
    for (const [call, body] of [
      ['wns.send', '<toast/>'],
      ['apns.send', { alert: 'x' }],
      ['gcm.send', { a: 'x' }],
      ['webpush.send', 'x'],
    ]) {
      const [send] = await sent(String(call), ['z:dead', body])
      assert.equal(send?.dead, 1, String(call))
      assert.equal(send?.sent, call === 'wns.send' ? 1 : 0)
      assert.match(send?.problem ?? '', /^4\d\d/)
    }
    const left = (await to.push('listRegistrationsByTag', ['z:dead'])) as { result: { deviceId: string }[] }
    assert.deepEqual(
      left.result.map(({ deviceId }) => deviceId),
      [channelOf('alive')],
    )
    check({ status: 404 }, await to.ask('GET', '/push/installations/gone-phone', undefined, GEN2))
    const { result } = (await to.push('getFeedback', [])) as { result: { deviceId: string; platform: string }[] }
    for (const device of [channelOf('gone-wns'), deviceToken('gone-apns'), 'gone-gcm']) {
      assert.ok(
        result.some(({ deviceId }) => deviceId === device),
        device,
      )
    }
    const apns = (await to.push('apns.getFeedback', [], { how: 'handlers' })) as { result: { timestamp: string }[] }[]
    assert.equal(apns[0]?.result.length, 1)
    assert.ok(Date.now() - Date.parse(apns[0]?.result[0]?.timestamp ?? '') < 60_000)
  })

  test('one device that is busy or that will never take it holds nobody else up', async () => {
    for (const name of ['q-1', 'busy-q', 'bad-q', 'q-2']) {
      await register({ platform: 'wns', deviceId: channelOf(name), tags: ['q'] })
    }
    const [send] = await sent('wns.send', ['q', '<toast>q</toast>'])
    assert.deepEqual([send?.state, send?.total, send?.sent, send?.failed], ['done', 4, 3, 1])
    for (const name of ['q-1', 'q-2', 'busy-q']) assert.equal(got(name).length, 1, name)
    assert.equal(to.platforms.tries.get('busy-q'), 3)
    assert.equal(to.platforms.tries.get('bad-q'), 1)
  })

  test('a platform that is down is waited for, another is not; then everybody gets it once', async () => {
    for (const name of ['o-1', 'o-2', 'o-3']) await register({ platform: 'gcm', deviceId: name, tags: ['o'] })
    await register({ platform: 'wns', deviceId: channelOf('o-wns'), tags: ['o'] })
    to.platforms.outage.set('gcm', { status: 503, headers: { 'retry-after': '1' } })
    const { result } = (await to.push('gcm.send', ['o', { data: { o: '1' } }])) as Sent
    const [other] = await sent('wns.send', ['o', '<toast>o</toast>'])
    assert.equal(other?.sent, 1)
    const id = result.sends[0]?.id ?? ''
    await waitFor('it to be seen', async () => (await to.report()).sends.find((one) => one.id === id && one.problem), {
      withinMs: 10_000,
    })
    assert.equal((await to.report()).sends.find((one) => one.id === id)?.problem, '503')
    to.platforms.outage.delete('gcm')
    const over = await to.over(id)
    assert.deepEqual([over.state, over.sent, over.failed], ['done', 3, 0])
    for (const name of ['o-1', 'o-2', 'o-3']) assert.equal(got(name).length, 1, name)
  })

  test('a browser whose push service is away, or is none, holds nobody else up', async () => {
    const { subscribe } = to.platforms
    const { keys } = subscribe('v-1')
    const own = { ...to.platforms.settings.webpush }
    const { endpoint: _endpoint, ...direct } = own
    await to.runtime.assign([{ ...to.service, push: { ...to.service.push, webpush: direct } }])
    for (const endpoint of ['https://127.0.0.1:1/away', 'https://127.0.0.1:1/too', 'https://10.0.0.1/private']) {
      await register({ platform: 'webpush', deviceId: { endpoint, keys }, tags: ['v'] })
    }
    const { result } = (await to.push('webpush.send', ['v', 'x', { ttl: 4 }])) as Sent
    const over = await to.over(result.sends[0]?.id ?? '')
    await to.runtime.assign([to.service])
    // What may not be dialled is never tried again; what is away is, until the message is of no use.
    assert.deepEqual([over.state, over.total, over.failed, over.dead], ['expired', 3, 1, 0])
  })

  test('with wrong credentials nothing is lost: it says so, and goes on when they are right', async () => {
    await register({ platform: 'wns', deviceId: channelOf('w-1'), tags: ['w'] })
    const { push } = to.service
    const wrong = { ...to.platforms.settings.wns, clientSecret: 'wrong' }
    await to.runtime.assign([{ ...to.service, push: { ...push, wns: wrong } }])
    const { result } = (await to.push('wns.send', ['w', '<toast>w</toast>'])) as Sent
    const id = result.sends[0]?.id ?? ''
    const problem = await waitFor(
      'the problem',
      async () => (await to.report()).sends.find((one) => one.id === id)?.problem ?? undefined,
      { withinMs: 10_000 },
    )
    assert.match(problem, /WNS gives no token for these credentials \(400 invalid_client\)/)
    assert.doesNotMatch(problem, /wrong/)
    const direct = (await to.push('wns.sendRaw', [channelOf('w-2'), 'x'])) as { error: string; statusCode: number }
    assert.equal(direct.statusCode, 503)
    await to.runtime.assign([to.service])
    assert.equal((await to.over(id)).sent, 1)
  })

  test('a message that is of no use any more is not sent', async () => {
    await register({ platform: 'apns', deviceId: deviceToken('late'), tags: ['late'] })
    to.platforms.outage.set('apns', { status: 503 })
    const { result } = (await to.push('apns.send', ['late', { alert: 'x' }, { ttl: 1 }])) as Sent
    const over = await to.over(result.sends[0]?.id ?? '')
    to.platforms.outage.delete('apns')
    assert.deepEqual([over.state, over.total, over.sent], ['expired', 1, 0])
    assert.equal(got('late').length, 0)
  })

  test('what waits is sent by the next process', async () => {
    await register({ platform: 'gcm', deviceId: 'next-1', tags: ['next'] })
    to.platforms.outage.set('gcm', { status: 503, headers: { 'retry-after': '1' } })
    const { result } = (await to.push('gcm.send', ['next', { data: { n: '1' } }])) as Sent
    await to.restart()
    to.platforms.outage.delete('gcm')
    assert.equal((await to.over(result.sends[0]?.id ?? '')).sent, 1)
    assert.equal(got('next-1').length, 1)
  })

  test('scripts make, find, change and remove registrations', async () => {
    const made = (await to.push('gcm.createNativeRegistration', ['s-1', ['s']])) as {
      result: { registrationId: string }
    }
    const id = made.result.registrationId
    await to.push('apns.createTemplateRegistration', [deviceToken('s-2'), 's', '{"aps":{"alert":"$(m)"}}'])
    const { result } = (await to.push('listRegistrationsByTag', ['s'])) as { result: object[] }
    assert.equal(result.length, 2)
    const byToken = (await to.push('apns.listRegistrationsByToken', [deviceToken('s-2')])) as { result: object[] }
    assert.equal(byToken.result.length, 1)
    await to.push('updateRegistration', [{ registrationId: id, platform: 'gcm', deviceId: 's-1', tags: ['other'] }])
    const found = (await to.push('getRegistration', [id], { how: 'callback' })) as { result: { tags: string[] } }[]
    assert.deepEqual(found[0]?.result.tags, ['other'])
    await to.push('deleteRegistration', [id])
    assert.match(((await to.push('getRegistration', [id])) as { error: string }).error, /There is no registration/)
    const installation = { installationId: 's-phone', platform: 'gcm', pushChannel: 's-3', tags: ['s'] }
    await to.push('createOrUpdateInstallation', [installation])
    await to.push('patchInstallation', ['s-phone', [{ op: 'add', path: '/tags', value: 's2' }]])
    const read = (await to.push('getInstallation', ['s-phone'])) as { result: { tags: string[] } }
    assert.deepEqual(read.result.tags, ['s', 's2'])
    await to.push('deleteInstallation', ['s-phone'])
  })

  test('operators see how many devices there are, and how messages went', async () => {
    const { registrations, sends } = await to.report(3)
    assert.ok((registrations.wns ?? 0) > 0 && (registrations.gcm ?? 0) > 0)
    assert.equal(sends.length, 3)
    check({ status: 405 }, await to.ask('POST', '/.mainstay/push', {}, MASTER))
  })
})

test('without credentials there is no push: routes are not there, and scripts are told what to do', async () => {
  const to = await startPushService({}, { push: { permission: 'public' } })
  try {
    check({ status: 404 }, await to.ask('POST', '/push/registrationids'))
    const { error } = (await to.push('send', [null, { a: 'b' }])) as { error: string }
    assert.match(error, /Push notifications are not set up for this service: mainstay mobile push PLATFORM set SERVICE/)
    await to.runtime.assign([{ ...to.service, push: { permission: 'user', webpush: to.platforms.settings.webpush } }])
    check({ status: 401 }, await to.ask('POST', '/push/registrationids'))
    const token = { 'x-zumo-auth': userToken('master-key') }
    check({ status: 201 }, await to.ask('POST', '/push/registrationids', undefined, token))
    const { error: second } = (await to.push('apns.send', [null, { alert: 'x' }])) as { error: string }
    assert.match(second, /APNs is not set up for this service: mainstay mobile push apns set SERVICE/)
  } finally {
    await to.stop()
  }
})
