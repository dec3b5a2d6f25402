// What a service has, by the original's management protocol: settings, sign-in, push, scripts, jobs, APIs, domains. Shapes
// and statuses are those that were captured of the original. The home of the service is lost: what needs none goes on.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { SECRET_PLACEHOLDER } from '../../src/management/secrets.ts'
import { AzureClient, type Dialect, type ToolAnswer, type ToolCall } from '../support/azure-client.ts'
import { freePort } from '../support/cloud.ts'
import { LoneControl } from '../support/lone-control.ts'
import { OPENSSL_PFX } from '../support/pfx.ts'

const NEWER_ONLY = { headers: { 'if-match': '*' } }

describe('resources of a service, by the original’s management protocol', () => {
  let control: LoneControl
  let tool: AzureClient
  let olderTool: AzureClient
  let operatorTool: AzureClient

  before(async () => {
    const port = await freePort()
    control = await LoneControl.start(() => ({ MAINSTAY_MANAGEMENT_PORT: String(port) }))
    await control.seed()
    const authority = ((await api('GET', '/authority')) as { certificate: string }).certificate
    const { id: subscription, endpoint } = (await api('GET', '/subscription')) as { id: string; endpoint: string }
    const clientFor = (token: string, dialect: Dialect) =>
      new AzureClient({ endpoint, subscription, identity: { token }, authority, dialect })
    const made = (await api('POST', '/tokens', { name: 'olga', role: 'operator' })) as { token: string }
    tool = clientFor(control.token, 'newer')
    olderTool = clientFor(control.token, 'older')
    operatorTool = clientFor(made.token, 'newer')
  })
  after(async () => await control?.dispose())

  const api = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${control.token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${control.url}/api/v1${path}`, {
      ...{ method, headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return await answer.json()
  }
  // In another case than the service was made with: names have none.
  const call = async (verb: string, path: string, given: ToolCall['body'] | ToolCall = {}, by = tool) => {
    const isCall =
      typeof given === 'object' && ('body' in given || 'headers' in given || Object.keys(given).length === 0)
    return await by.mobile(verb, `/primaryservice${path}`, isCall ? (given as ToolCall) : { body: given as string })
  }
  const gets = async (path: string, by = tool) => {
    const answer = await call('GET', path, {}, by)
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }
  const does = async (
    verb: string,
    path: string,
    status: number,
    given: ToolCall['body'] | ToolCall = {},
    by = tool,
  ) => {
    const answer = await call(verb, path, given, by)
    assert.equal(answer.status, status, `${verb} ${path}: ${answer.text}`)
    return answer
  }
  const refuses = async (
    verb: string,
    path: string,
    status: number,
    message: RegExp,
    given: ToolCall['body'] | ToolCall = {},
  ) => {
    const answer = await call(verb, path, given)
    refused(answer, status, message)
  }

  describe('settings', () => {
    test('are read whole with a tag, and sent back whole', async () => {
      const { json, headers } = await does('GET', '/settings', 200)
      assert.deepEqual(json, {
        dynamicSchemaEnabled: true,
        previewFeatures: [],
        crossDomainWhitelist: [{ host: 'localhost' }],
        customApplicationSettings: [],
      })
      const sent = { ...(json as object), customApplicationSettings: [{ name: 'Key', value: 'geheim' }] }
      const tagged = { headers: { 'if-match': String(headers.etag) } }
      assert.equal((await does('PATCH', '/settings', 200, { body: sent, ...tagged })).text, '')
      assert.deepEqual(await gets('/settings'), sent)
      await refuses('PATCH', '/settings', 412, /changed meanwhile/, {
        body: { ...sent, customApplicationSettings: [] },
        ...tagged,
      })
      assert.deepEqual(await gets('/settings'), sent)
    })

    test('hide values from whoever has not all rights, and keep what was hidden', async () => {
      const seen = (await gets('/settings', operatorTool)) as { customApplicationSettings: { value: string }[] }
      assert.deepEqual(seen.customApplicationSettings, [{ name: 'Key', value: SECRET_PLACEHOLDER }])
      const body = { customApplicationSettings: [...seen.customApplicationSettings, { name: 'Two', value: '2' }] }
      await does('PATCH', '/settings', 200, { body }, operatorTool)
      const { customApplicationSettings: kept } = (await gets('/settings')) as typeof seen
      assert.deepEqual(kept, [
        { name: 'Key', value: 'geheim' },
        { name: 'Two', value: '2' },
      ])
      await does('PATCH', '/settings', 200, { body: { customApplicationSettings: [] } })
    })

    test('say what is wrong with what was sent', async () => {
      const custom = (name: string) => ({ body: { customApplicationSettings: [{ name, value: 'x' }] } })
      await refuses('PATCH', '/settings', 400, /cannot be the name of an app setting/, custom('a b'))
      await refuses('PATCH', '/settings', 400, /name that only Mainstay sets/, custom('MS_X'))
      await refuses('PATCH', '/settings', 400, /dynamicSchemaEnabled/, { body: { dynamicSchemaEnabled: 'yes' } })
      await refuses('PATCH', '/settings', 400, /JSON/, { body: '{', headers: { 'content-type': 'application/json' } })
      await refuses('PATCH', '/settings', 503, /PrimaryService|west-us-1/, { body: { dynamicSchemaEnabled: false } })
    })
  })

  describe('sign-in providers', () => {
    const facebook = { provider: 'facebook', appId: 'f', secret: 'fs' }
    const microsoft = { provider: 'microsoft', appId: 'm', secret: 'ms', packageSid: 'ms-app://s-1' }
    const aad = { provider: 'aad', appId: 'a', secret: '', tenants: ['contoso.onmicrosoft.com'] }

    test('are an array that is replaced whole', async () => {
      assert.deepEqual(await gets('/authsettings'), [])
      await does('PUT', '/authsettings', 200, { body: [facebook, microsoft, aad] })
      assert.deepEqual(await gets('/authsettings'), [aad, facebook, microsoft])
      await does('PUT', '/authsettings', 200, { body: [{ ...facebook, secret: SECRET_PLACEHOLDER }, microsoft] })
      assert.deepEqual(await gets('/authsettings'), [facebook, microsoft])
      const [hidden] = (await gets('/authsettings', operatorTool)) as { secret: string }[]
      assert.equal(hidden?.secret, SECRET_PLACEHOLDER)
    })

    test('may come half after half, as `config set` sends them', async () => {
      const half = { provider: 'google', appId: 'g', secret: '' }
      const others = (await gets('/authsettings')) as object[]
      await does('PUT', '/authsettings', 200, { body: [...others, half] })
      assert.deepEqual(await gets('/authsettings'), [facebook, half, microsoft])
      await does('PUT', '/authsettings', 200, { body: [...others, { ...half, secret: 'gs' }] })
      assert.deepEqual(await gets('/authsettings'), [facebook, { ...half, secret: 'gs' }, microsoft])
    })

    test('have a tag', async () => {
      const tag = String((await does('GET', '/authsettings', 200)).headers.etag)
      await does('PUT', '/authsettings', 200, { body: [microsoft], headers: { 'if-match': tag } })
      await refuses('PUT', '/authsettings', 412, /meanwhile/, { body: [], headers: { 'if-match': tag } })
    })

    test('before 2014 the one of Microsoft is apart', async () => {
      assert.deepEqual(await gets('/authsettings', olderTool), [])
      assert.deepEqual(await gets('/livesettings', olderTool), {
        ...{ clientID: 'm', clientSecret: 'ms', packageSid: 'ms-app://s-1' },
      })
      await does('PUT', '/livesettings', 200, { body: { clientID: 'n', clientSecret: 'ns' } }, olderTool)
      await does('PUT', '/authsettings', 200, { body: [facebook] }, olderTool)
      const all = (await gets('/authsettings')) as { provider: string; appId: string }[]
      assert.deepEqual(
        all.map(({ provider, appId }) => [provider, appId]),
        [
          ['facebook', 'f'],
          ['microsoft', 'n'],
        ],
      )
    })

    test('are refused in words', async () => {
      const kept = { provider: 'google', appId: 'g', secret: SECRET_PLACEHOLDER }
      await refuses('PUT', '/authsettings', 400, /needs its secret/, { body: [kept] })
      await refuses('PUT', '/authsettings', 400, /no provider that these settings can hold/, {
        body: [{ ...facebook, provider: 'myspace' }],
      })
      await refuses('PUT', '/authsettings', 400, /no tenant/, { body: [{ ...aad, tenants: ['not one'] }] })
      await refuses('PUT', '/authsettings', 400, /array/, { body: {} })
    })
  })

  describe('push', () => {
    const none = {
      wnsCredentials: {},
      mpnsCredentials: { enableUnauthenticatedSettings: false },
      apnsCredentials: {},
      gcmCredentials: {},
    }
    const wns = { clientSecret: 's', packageSID: 'ms-app://s-1-15' }

    test('has all four, and takes one at a time', async () => {
      assert.deepEqual(await gets('/pushsettings'), none)
      const set = await does('PATCH', '/pushsettings', 200, { body: { wnsCredentials: wns } })
      const shown = { ...none, wnsCredentials: { ...wns, clientSecret: SECRET_PLACEHOLDER } }
      assert.deepEqual(set.json, shown)
      await does('PATCH', '/pushsettings', 200, {
        body: { wnsCredentials: { clientSecret: SECRET_PLACEHOLDER, packageSID: 'ms-app://s-2' } },
      })
      const tag = String((await does('GET', '/pushsettings', 200)).headers.etag)
      await does('PATCH', '/pushsettings', 200, { body: { wnsCredentials: {} }, headers: { 'if-match': tag } })
      await refuses('PATCH', '/pushsettings', 412, /meanwhile/, {
        body: { wnsCredentials: wns },
        headers: { 'if-match': tag },
      })
      assert.deepEqual(await gets('/pushsettings'), none)
    })

    test('takes the JSON of a service account for the key of GCM, and says so to who sends a server key', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
      const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' })
      const apiKey = JSON.stringify({ project_id: 'todo', client_email: 'a@b.c', private_key })
      await refuses('PATCH', '/pushsettings', 400, /no service account.*Server keys of GCM/, {
        body: { gcmCredentials: { apiKey: 'AIza' } },
      })
      await does('PATCH', '/pushsettings', 200, { body: { gcmCredentials: { apiKey } } })
      const { gcmCredentials } = (await gets('/pushsettings')) as { gcmCredentials: object }
      assert.deepEqual(gcmCredentials, {
        ...{ apiKey: SECRET_PLACEHOLDER, endpoint: 'https://android.googleapis.com/gcm/send' },
        ...{ projectId: 'todo', clientEmail: 'a@b.c' },
      })
      assert.deepEqual(await gets('/gcm/settings', olderTool), { apiKey: SECRET_PLACEHOLDER })
      await does('PUT', '/gcm/settings', 200, { body: { apiKey: '' } }, olderTool)
      assert.deepEqual(await gets('/gcm/settings', olderTool), {})
    })

    test('says what is used no more', async () => {
      const apnsCertificate = Buffer.from('p12').toString('base64')
      const apnsCredentials = { endpoint: 'gateway.push.apple.com', apnsCertificate, certificateKey: 'pw' }
      await refuses('PATCH', '/pushsettings', 400, /certificates are not used.*\.p8/, { body: { apnsCredentials } })
      const mpnsCredentials = { enableUnauthenticatedSettings: true, mpnsCertificate: 'x', certificateKey: 'y' }
      await refuses('PATCH', '/pushsettings', 400, /MPNS.*shut down/, { body: { mpnsCredentials } })
      await does('PATCH', '/pushsettings', 200, { body: { mpnsCredentials: { enableUnauthenticatedSettings: false } } })
      await refuses('PATCH', '/pushsettings', 400, /./, { body: { apnsCredentials: 'x' } })
      assert.deepEqual(await gets('/apns/settings', olderTool), { mode: 'none' })
      await refuses('POST', '/apns/certificates', 400, /\.p8/, { body: { mode: 'dev', password: 'x', data: 'y' } })
      await refuses('GET', '/apns/scripts/feedback', 400, /feedback service was shut down/)
    })

    test('has its notification hub in the service itself', async () => {
      const on = (await gets('/pushentity')) as {
        externalPushEntitySettingsPropertyBag: { externalPushEntityState: string }
      }
      assert.equal(on.externalPushEntitySettingsPropertyBag.externalPushEntityState, 'healthy')
      const bag = { externalPushEntitySettingsPropertyBag: {} }
      const disabled = await does('PUT', '/pushentity', 200, { body: { enableExternalPushEntity: false } })
      assert.deepEqual(disabled.json, bag)
      assert.deepEqual(await gets('/pushentity'), { enableExternalPushEntity: false, ...bag })
      assert.equal(((await api('GET', '/services/PrimaryService/push')) as { permission: string }).permission, 'admin')
      await does('PUT', '/pushentity', 202, { body: { enableExternalPushEntity: true, ...bag } })
      assert.deepEqual(await gets('/pushentity'), on)
    })
  })

  describe('scripts', () => {
    const text = 'function insert(item, user, request) { request.execute(); }'
    const code = '/tables/todoitem/scripts/insert/code'

    test('of a table are texts with a tag', async () => {
      assert.deepEqual(await gets('/tables/TodoItem/scripts'), [])
      const written = await does('PUT', code, 201, text)
      const read = await does('GET', code, 200)
      assert.equal(read.text, text)
      assert.match(String(read.headers['content-type']), /^application\/javascript/)
      assert.equal(read.headers.etag, written.headers.etag)
      const [entry] = (await gets('/tables/TodoItem/scripts')) as {
        operation: string
        selflink: string
        sizeBytes: number
      }[]
      assert.deepEqual({ ...entry, selflink: '' }, { operation: 'insert', selflink: '', sizeBytes: text.length })
      assert.match(entry?.selflink ?? '', /\/tables\/TodoItem\/scripts\/insert$/)
      await refuses('PUT', code, 412, /meanwhile/, { body: `${text}//`, headers: { 'if-match': '"other"' } })
      await does('PUT', code, 200, `${text}//`, olderTool)
      await does('DELETE', '/tables/TodoItem/scripts/insert', 200)
      await refuses('GET', code, 404, /no script/)
      await refuses('DELETE', '/tables/TodoItem/scripts/insert', 404, /no script/)
    })

    test('that are shared lie in a folder', async () => {
      const place = '/repository/service/shared'
      assert.deepEqual(await gets(place), [])
      await does('PUT', `${place}/mail.js`, 201, { body: 'exports.a = 1', ...NEWER_ONLY })
      await does('PUT', `${place}/MAIL.js`, 204, { body: 'exports.a = 2', ...NEWER_ONLY })
      assert.equal((await does('GET', `${place}/mail.js`, 200)).text, 'exports.a = 2')
      const [file, ...others] = (await gets(place)) as Record<string, unknown>[]
      assert.deepEqual(others, [])
      const { mtime, href, ...rest } = file ?? {}
      assert.deepEqual(rest, {
        name: 'mail.js',
        size: 13,
        mime: 'application/javascript',
        path: 'service/shared/mail.js',
      })
      assert.ok(!Number.isNaN(Date.parse(String(mtime))) && String(href).endsWith('/repository/service/shared/mail.js'))
      await does('DELETE', `${place}/mail.js`, 200, NEWER_ONLY)
      await refuses('DELETE', `${place}/mail.js`, 404, /no script/)
      await refuses('PUT', `${place}/..%2fx.js`, 400, /./, 'x')
      await does('PUT', `${place}/words.json`, 201, { body: '{"a":1}', ...NEWER_ONLY })
      assert.equal((await does('GET', `${place}/words.json`, 200)).text, '{"a":1}')
      const [words] = (await gets(place)) as Record<string, unknown>[]
      assert.deepEqual([words?.name, words?.mime], ['words.json', 'application/json'])
      await refuses('PUT', `${place}/words.json`, 400, /'shared\/words\.json' is no JSON: .*Nothing was changed/, '{')
      await refuses('PUT', `${place}/words.json.js`, 400, /cannot be the name of a script/, 'x')
      await does('DELETE', `${place}/words.json`, 200, NEWER_ONLY)
    })

    test('are refused when JavaScript cannot read them, or nothing has them', async () => {
      await refuses('PUT', code, 400, /is no JavaScript in line 1.*Nothing was changed/, 'function (')
      await refuses('PUT', '/tables/TodoItem/scripts/upsert/code', 400, /cannot be the name of a script/, text)
      await refuses('PUT', '/tables/Nothing/scripts/read/code', 404, /has no table 'Nothing'/, text)
      await refuses('PUT', '/apis/nothing/script', 404, /no custom API 'nothing'/, 'exports.get = f')
      await refuses('PUT', '/scheduler/jobs/nothing/script', 404, /no job 'nothing'/, 'function nothing() {}')
    })
  })

  describe('jobs', () => {
    const startTime = '2026-01-01T00:00:00.000Z'

    test('are made disabled, changed, and deleted with their script', async () => {
      const body = { name: 'cleanup', intervalUnit: 'minute', intervalPeriod: 15, startTime }
      await does('POST', '/scheduler/jobs', 201, { body })
      const job = { id: 'primaryservice.cleanup', appName: 'primaryservice', ...body, status: 'disabled' }
      assert.deepEqual(await gets('/scheduler/jobs'), [job])
      await does('PUT', '/scheduler/jobs/CLEANUP/script', 204, 'function cleanup() {}')
      await does('PUT', '/scheduler/jobs/cleanup/script', 200, 'function cleanup() {;}', olderTool)
      assert.equal((await does('GET', '/scheduler/jobs/cleanup/script', 200)).text, 'function cleanup() {;}')
      const { name: _, ...update } = body
      await does('PUT', '/scheduler/jobs/cleanup', 200, { body: { ...update, intervalPeriod: 20, status: 'enabled' } })
      const { nextRun, ...changed } = (await gets('/scheduler/jobs/cleanup')) as Record<string, unknown>
      assert.deepEqual(changed, { ...job, intervalPeriod: 20, status: 'enabled' })
      assert.ok(Date.parse(String(nextRun)) > Date.now())
      await does('PUT', '/scheduler/jobs/cleanup', 200, { body: { status: 'disabled' } })
      assert.equal('intervalUnit' in ((await gets('/scheduler/jobs/cleanup')) as object), false)
      await does('DELETE', '/scheduler/jobs/cleanup', 204)
      await refuses('GET', '/scheduler/jobs/cleanup', 404, /no job 'cleanup'/)
      await refuses('GET', '/scheduler/jobs/cleanup/script', 404, /no script/)
    })

    test('are due by an interval, or on demand', async () => {
      await does('POST', '/scheduler/jobs', 201, { body: { name: 'once' } })
      await refuses('POST', '/scheduler/jobs', 409, /already has a job 'once'/, { body: { name: 'once' } })
      await refuses('POST', '/scheduler/jobs', 400, /no unit/, { body: { name: 'a', intervalUnit: 'week' } })
      await refuses('POST', '/scheduler/jobs', 400, /whole number/, {
        body: { name: 'a', intervalUnit: 'day', intervalPeriod: 0 },
      })
      await refuses('POST', '/scheduler/jobs', 400, /no moment/, {
        body: { name: 'a', intervalUnit: 'day', startTime: 'soon' },
      })
      await refuses('POST', '/scheduler/jobs', 400, /name of a job/, { body: { name: '1 2' } })
      await refuses('PUT', '/scheduler/jobs/once', 400, /no status/, { body: { status: 'paused' } })
      await does('DELETE', '/scheduler/jobs/once', 204)
    })
  })

  test('custom APIs are made, changed and deleted with their script', async () => {
    const all = (level: string) => ({ get: level, put: level, post: level, patch: level, delete: level })
    await does('POST', '/apis', 201, { body: { ...all('application'), name: 'orders' } })
    const { selflink, ...api } = (await gets('/apis/ORDERS')) as Record<string, unknown>
    assert.deepEqual(api, { name: 'orders', ...all('application'), hasAdditionalPermissions: false })
    assert.match(String(selflink), /\/apis\/orders$/)
    await does('PUT', '/apis/orders/script', 204, 'exports.get = function () {}')
    await does('PUT', '/apis/orders', 200, { body: { ...all('user'), get: 'public' } })
    const [listed] = (await gets('/apis')) as Record<string, unknown>[]
    assert.deepEqual([listed?.get, listed?.put], ['public', 'user'])
    await refuses('POST', '/apis', 409, /already has a custom API/, { body: { name: 'orders' } })
    await refuses('POST', '/apis', 400, /get/, { body: { name: 'x', get: 'everybody' } })
    await does('DELETE', '/apis/orders', 204)
    assert.deepEqual(await gets('/apis'), [])
    await refuses('GET', '/apis/orders/script', 404, /no script/)
  })

  test('domains are listed with the name of the cloud, and show a certificate', async () => {
    const { thumbprint, pfx, password } = OPENSSL_PFX
    await does('POST', '/hostnames/API.example.com', 204)
    assert.deepEqual(await gets('/hostnames'), ['api.example.com', 'primaryservice.localhost'])
    assert.deepEqual(await gets('/hostnames/primaryservice.localhost/ssl'), { name: 'primaryservice.localhost' })
    await refuses('POST', '/hostnames/api', 400, /cannot be a domain/)
    await refuses('POST', '/certificates', 400, /password does not open/, {
      body: { PfxBlob: pfx.toString('base64'), Password: 'x' },
    })
    await refuses('POST', '/certificates', 400, /PfxBlob/, { body: {} })
    await does('POST', '/certificates', 204, { body: { PfxBlob: pfx.toString('base64'), Password: password } })
    const [certificate] = (await gets('/certificates')) as Record<string, unknown>[]
    const names = ['expirationDate', 'issueDate', 'hostNames', 'issuer', 'subjectName', 'thumbprint']
    assert.deepEqual(Object.keys(certificate ?? {}), names)
    assert.equal(certificate?.thumbprint, thumbprint)
    const ssl = '/hostnames/api.example.com/ssl'
    assert.deepEqual(await gets(ssl), { name: 'api.example.com' })
    await does('POST', `${ssl}/${thumbprint}`, 204)
    assert.deepEqual(await gets(ssl), { name: 'api.example.com', sslState: 'sniEnabled', thumbprint })
    await refuses('DELETE', `/certificates/${thumbprint}`, 409, /is shown for/)
    await refuses('DELETE', `${ssl}/AABB`, 404, /does not show/)
    await does('DELETE', `${ssl}/${thumbprint}`, 204)
    await does('DELETE', `/certificates/${thumbprint}`, 204)
    await does('DELETE', '/hostnames/api.example.com', 204)
    await refuses('DELETE', '/hostnames/api.example.com', 404, /no domain/)
  })

  test('source control is enabled for the asking, and what is not made is refused with what there is instead', async () => {
    assert.deepEqual(await gets('/previewfeatures'), { enabled: [], available: ['SourceControl'] })
    await refuses('POST', '/previewfeatures', 400, /no preview feature 'Flight'/, { body: { enable: 'Flight' } })
    await refuses('POST', '/previewfeatures', 400, /user\.getIdentities/, { body: { enable: 'Users' } })
    const { json } = await does('POST', '/previewfeatures', 200, { body: { enable: 'sourcecontrol' } })
    const { featureName, data } = json as { featureName: string; data: { sourceRepositoryUrl: string } }
    assert.equal(featureName, 'SourceControl')
    assert.match(data.sourceRepositoryUrl, /\/PrimaryService\.git$/)
    assert.deepEqual(await gets('/previewfeatures'), { enabled: ['SourceControl'], available: [] })
  })

  test('tables are shown, with -1 for what the lost region alone knows, and cannot be changed', async () => {
    const [table] = (await gets('/tables')) as { selflink: string }[]
    assert.match(
      table?.selflink ?? '',
      /^https:\/\/[^/]+\/[^/]+\/services\/mobileservices\/mobileservices\/primaryservice\/tables\/TodoItem$/,
    )
    assert.deepEqual(
      { ...table, selflink: '' },
      {
        ...{ name: 'TodoItem', idType: 'string', hasDeleted: false, selflink: '' },
        metrics: { indexCount: -1, recordCount: -1, sizeBytes: -1 },
      },
    )
    assert.deepEqual(await gets('/tables/todoitem/columns'), [])
    const { selflink, ...permissions } = (await gets('/tables/todoitem/permissions')) as Record<string, unknown>
    assert.match(String(selflink), /\/tables\/TodoItem\/permissions$/)
    assert.deepEqual(permissions, {
      insert: 'application',
      read: 'application',
      update: 'application',
      delete: 'application',
    })
    await refuses('GET', '/tables/Nothing', 404, /has no table 'Nothing'/)
    for (const [verb, path, body] of [
      ['POST', '/tables', { name: 'Other', idType: 'string' }],
      ['DELETE', '/tables/TodoItem', undefined],
      ['PUT', '/tables/TodoItem/permissions', { insert: 'user' }],
      ['POST', '/tables/TodoItem/columns/a', { type: 'string' }],
      ['PUT', '/tables/TodoItem/indexes/a', undefined],
      ['GET', '/tables/TodoItem/data?$top=10', undefined],
      ['POST', '/tables/TodoItem/truncate', { confirm: true }],
      ['GET', '/logs?%24top=10', undefined],
    ] as const) {
      await refuses(verb, path, 503, /./, body === undefined ? {} : { body })
    }
  })

  test('what cannot be asked like that is refused in words', async () => {
    await refuses('POST', '/tables', 400, /name/, { body: {} })
    await refuses('POST', '/tables', 400, /cannot be the name of a table/, { body: { name: 'a b' } })
    await refuses('POST', '/tables/TodoItem/columns/a', 400, /no type of a column/, { body: { type: 'money' } })
    await refuses('DELETE', '/tables/TodoItem/data', 400, /id/)
    await refuses('GET', '/logs?%24filter=Colour%20eq%20%27red%27', 400, /is not known/)
    await refuses('GET', '/nothing', 404, /./)
    refused(await tool.mobile('GET', '/Nobody/settings'), 404, /no mobile service 'Nobody'/)
  })
})

function refused(answer: ToolAnswer, status: number, message: RegExp): void {
  assert.equal(answer.status, status, answer.text)
  const { code, message: said } = answer.json as { code: string; message: string }
  assert.match(said, message)
  assert.ok(code)
  assert.match(String(answer.headers['x-ms-request-id']), /^[0-9a-f]{32}$/)
}
