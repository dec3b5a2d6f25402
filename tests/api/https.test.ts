// The stable URL over HTTPS: names and their certificates, protocols, what a runtime is told, what browsers are told.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { Agent, request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { CertificateFiles } from '../../src/gateway/certificate-files.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { type Echoed, LoneGateway } from '../support/lone-gateway.ts'
import { WebAuthority, type WebCertificate } from '../support/web-certificates.ts'

type Call = { path?: string; method?: string; headers?: Record<string, string>; body?: string; agent?: Agent }
type Answered = { status: number; headers: IncomingHttpHeaders; body: string }

const ONE = 'api.example.com'
const TWO = 'shop.example.org'
const OWN = 'todo.apps.example.net'

describe('the port for HTTPS', () => {
  let authority: WebAuthority
  let gateway: LoneGateway
  let bare: LoneGateway
  let own: WebCertificate
  let one: WebCertificate
  let two: WebCertificate

  before(async () => {
    authority = await WebAuthority.make()
    own = await authority.issue(['*.apps.example.net'])
    one = await authority.issue([ONE])
    two = await authority.issue([TWO])
    gateway = await LoneGateway.start({ own: { cert: own.chain, key: own.key } })
    bare = await LoneGateway.start({ proxies: ['127.0.0.0/8'] })
  })
  beforeEach(async () => await Promise.all([gateway, bare].map(async (each) => await each.assign(domains()))))
  after(async () => {
    await gateway?.dispose()
    await bare?.dispose()
  })

  const domains = () => ({
    domains: [
      { name: ONE, service: 'todo', certificate: one.thumbprint },
      { name: TWO, service: 'todo', certificate: two.thumbprint },
      { name: 'plain.example.com', service: 'todo', certificate: null },
    ],
    certificates: [one, two].map(({ thumbprint, chain, key }) => ({ thumbprint, chain, key })),
  })
  const shake = async (name: string | undefined, options: { version?: SecureVersion; at?: LoneGateway } = {}) => {
    const { version, at = gateway } = options
    const versions = version === undefined ? {} : { minVersion: version, maxVersion: version }
    const servername = name === undefined ? {} : { servername: name }
    // As clients of old had it; the refusal is to be ours.
    const ciphers = version === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}
    const socket = connect({
      host: '127.0.0.1',
      port: at.ports.tls,
      rejectUnauthorized: false,
      ...servername,
      ...versions,
      ...ciphers,
    })
    await once(socket, 'secureConnect')
    return socket
  }
  const shown = async (name: string | undefined, options?: { version?: SecureVersion; at?: LoneGateway }) => {
    const socket = await shake(name, options)
    const { serialNumber } = socket.getPeerCertificate()
    const protocol = socket.getProtocol()
    socket.destroy()
    return { serial: serialNumber, protocol }
  }
  const overTls = async (host: string, call: Call = {}, at = gateway): Promise<Answered> => {
    const { path = '/tables/a', method = 'GET', headers = {}, body, agent } = call
    const to = { host: '127.0.0.1', port: at.ports.tls, servername: host, ca: authority.root, path, method }
    const request = requestHttps({ ...to, headers: { host, ...headers }, agent: agent ?? false })
    request.end(body)
    const [answer] = await once(request, 'response')
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }
  const inClear = async (host: string, call: Call = {}, at = gateway): Promise<Answered> => {
    const { path = '/tables/a', method = 'GET', headers = {}, body } = call
    const to = { host: '127.0.0.1', port: at.ports.plain, path, method, agent: new HttpAgent() }
    const request = requestHttp({ ...to, headers: { host, ...headers } })
    request.end(body)
    const [answer] = await once(request, 'response')
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }
  const session = (name: string) =>
    connectHttp2(`https://${name}:${gateway.ports.tls}`, {
      ca: authority.root,
      servername: name,
      createConnection: () =>
        connect({
          host: '127.0.0.1',
          port: gateway.ports.tls,
          servername: name,
          ca: authority.root,
          ALPNProtocols: ['h2'],
        }),
    })
  const overHttp2 = async (name: string, headers: Record<string, string>, body?: string): Promise<Answered> => {
    const client = session(name)
    try {
      const stream = client.request({ ':authority': name, ...headers }, { endStream: body === undefined })
      if (body !== undefined) stream.end(body)
      const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }]
      return { status: answer[':status'] ?? 0, headers: answer, body: await text(stream) }
    } finally {
      client.close()
    }
  }
  const echoOf = ({ body }: Answered) => JSON.parse(body) as Echoed

  test('shows each domain its own certificate, whatever case its name is asked in', async () => {
    assert.equal((await shown(ONE)).serial, one.serial)
    assert.equal((await shown(TWO)).serial, two.serial)
    assert.equal((await shown('SHOP.Example.org')).serial, two.serial)
  })

  test('shows that of its files for every other name, and for none', async () => {
    for (const name of [OWN, 'unknown.example.com', 'plain.example.com', undefined]) {
      assert.equal((await shown(name)).serial, own.serial, name)
    }
  })

  test('refuses a name that it has no certificate for where it has none of its own', async () => {
    assert.equal((await shown(ONE, { at: bare })).serial, one.serial)
    await assert.rejects(shown('unknown.example.com', { at: bare }), {
      code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    })
    await assert.rejects(shown(undefined, { at: bare }), { code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' })
  })

  test('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    assert.equal((await shown(ONE, { version: 'TLSv1.2' })).protocol, 'TLSv1.2')
    assert.equal((await shown(ONE, { version: 'TLSv1.3' })).protocol, 'TLSv1.3')
    await assert.rejects(shown(ONE, { version: 'TLSv1.1' }), /PROTOCOL_VERSION|protocol version/i)
  })

  test('a domain is the service, with the whole path, on both ports', async () => {
    for (const ask of [overTls, inClear]) {
      const answer = await ask(ONE, { path: '/services/other/tables/a?$top=1' })
      assert.equal(answer.status, 200)
      assert.equal(echoOf(answer).url, '/services/other/tables/a?$top=1')
      assert.equal(echoOf(answer).headers['x-mainstay-service'], 'todo')
    }
    assert.equal((await inClear('unknown.example.com')).status, 404)
  })

  test('what a client says of itself is dropped on both ports, and by HTTP/2', async () => {
    const lies = { 'x-mainstay-service': 'other', 'x-mainstay-internal': '1', cookie: 'a=b; mainstay_session=c' }
    const proto = { 'x-forwarded-proto': 'https' }
    const plain = echoOf(await inClear(ONE, { headers: { ...lies, ...proto } })).headers
    const secure = echoOf(await overTls(ONE, { headers: { ...lies, 'x-forwarded-proto': 'http' } })).headers
    const http2 = echoOf(await overHttp2(ONE, { ':path': '/a', ...lies, 'x-forwarded-proto': 'http' })).headers
    assert.deepEqual(
      [plain, secure, http2].map((headers) => headers['x-forwarded-proto']),
      ['http', 'https', 'https'],
    )
    for (const headers of [plain, secure, http2]) {
      assert.equal(headers['x-mainstay-service'], 'todo')
      assert.equal(headers['x-mainstay-internal'], undefined)
      assert.equal(headers.cookie, 'a=b')
      assert.equal(headers.host, ONE)
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith(':')),
        [],
      )
    }
  })

  test('a proxy that is trusted says how a request came; others are not believed', async () => {
    const headers = { 'x-forwarded-proto': 'https' }
    assert.equal(echoOf(await inClear(ONE, { headers }, bare)).headers['x-forwarded-proto'], 'https')
    assert.equal(echoOf(await inClear(ONE, { headers })).headers['x-forwarded-proto'], 'http')
  })

  test('HTTP/2 carries a body there, an answer back, and many requests at once', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(300_000) })
    const answer = await overHttp2(ONE, { ':method': 'POST', ':path': '/tables/a' }, body)
    assert.equal(answer.status, 200)
    assert.deepEqual([echoOf(answer).method, echoOf(answer).body], ['POST', body])
    assert.equal(answer.headers['x-of-runtime'], 'yes')
    assert.match(String(answer.headers['x-request-id']), /\S/)
    const client = session(TWO)
    try {
      const sizes = Array.from({ length: 20 }, (_, index) => index * 10_000)
      const found = await Promise.all(
        sizes.map(async (size) => (await text(client.request({ ':path': `/large/${size}` }))).length),
      )
      assert.deepEqual(found, sizes)
    } finally {
      client.close()
    }
  })

  test('answers without a body are whole by HTTP/2, too', async () => {
    const none = await overHttp2(ONE, { ':path': '/status/204' })
    assert.deepEqual([none.status, none.body], [204, ''])
    const same = await overHttp2(ONE, { ':path': '/status/304' })
    assert.deepEqual([same.status, same.body], [304, ''])
    const head = await overHttp2(ONE, { ':method': 'HEAD', ':path': '/large/10' })
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '10', ''])
    const unknown = await overHttp2('unknown.apps.example.net', { ':path': '/' })
    assert.equal(unknown.status, 404)
  })

  test('a client of HTTP/2 that goes away is counted as that, and nothing hangs on it', async () => {
    const client = session(ONE)
    const stream = client.request({ ':path': '/hang' })
    stream.on('error', () => {})
    const isThere = () => (gateway.traffic.underWay.todo === 1 ? true : undefined)
    await waitFor('the request', isThere, { withinMs: 5_000 })
    client.destroy()
    const isGone = () => (gateway.traffic.inFlight === 0 ? true : undefined)
    await waitFor('its end', isGone, { withinMs: 5_000 })
    assert.ok(gateway.traffic.counts.list().some(({ status, service }) => status === 'aborted' && service === 'todo'))
    assert.equal(gateway.traffic.refusals.broken, 0)
  })

  test('a request that is held waits on the TLS port as well', async () => {
    gateway.holds.set(new Set(['todo']))
    const answers = Promise.all([overTls(ONE), overHttp2(ONE, { ':path': '/a' })])
    gateway.holds.set(new Set())
    assert.deepEqual(
      (await answers).map(({ status }) => status),
      [200, 200],
    )
  })

  test('plain HTTP is sent to HTTPS where the service wants that, and is served where not', async () => {
    const where = `https://${ONE}:${gateway.ports.tls}/tables/a?$top=1`
    await gateway.assign({ ...domains(), https: { isRedirected: true, hstsSeconds: 0 } })
    const sent = await inClear(`${ONE}:${gateway.ports.plain}`, {
      path: '/tables/a?$top=1',
      headers: { 'x-forwarded-proto': 'https' },
    })
    assert.deepEqual([sent.status, sent.headers.location], [307, where])
    const post = await inClear(ONE, { method: 'POST', body: '{}' })
    assert.equal(post.status, 307)
    assert.equal((await overTls(ONE)).status, 200)
    await gateway.assign(domains())
    assert.equal((await inClear(ONE)).status, 200)
  })

  test('browsers are told to come by HTTPS only, by HTTPS only', async () => {
    await gateway.assign({ ...domains(), https: { isRedirected: false, hstsSeconds: 31_536_000 } })
    const told = async (answer: Promise<Answered>) => (await answer).headers['strict-transport-security']
    assert.equal(await told(overTls(ONE)), 'max-age=31536000')
    assert.equal(await told(overHttp2(ONE, { ':path': '/status/503' })), 'max-age=31536000')
    assert.equal(await told(inClear(ONE)), undefined)
    assert.equal(await told(overTls('todo.apps.example.net', { path: '/services/todo/a' })), undefined)
  })

  test('an authority reads its answer on the plain port, at that domain only, before any redirect', async () => {
    const challenges = [{ domain: ONE, token: 'tok', answer: 'tok.thumb' }]
    await gateway.assign({ ...domains(), challenges, https: { isRedirected: true, hstsSeconds: 0 } })
    const path = '/.well-known/acme-challenge/tok'
    const answer = await inClear(ONE, { path })
    assert.deepEqual([answer.status, answer.body], [200, 'tok.thumb'])
    assert.equal((await inClear(TWO, { path })).status, 307)
    assert.equal((await inClear(ONE, { path: `${path}x` })).status, 307)
  })

  test('another certificate is shown to who comes next; who is there goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const http2 = session(TWO)
    await once(http2, 'connect')
    assert.equal((await overTls(ONE, { agent })).status, 200)
    const [socket] = Object.values(agent.freeSockets).flat() as TLSSocket[]
    const next = await authority.issue([ONE])
    await gateway.assign({
      domains: [{ name: ONE, service: 'todo', certificate: next.thumbprint }],
      certificates: [next],
    })
    const fresh = await authority.issue(['*.apps.example.net'])
    gateway.secure.useOwn({ cert: fresh.chain, key: fresh.key })
    assert.equal((await shown(ONE)).serial, next.serial)
    assert.equal((await shown(TWO)).serial, fresh.serial)
    assert.equal((await overTls(ONE, { agent })).status, 200)
    assert.equal(Object.values(agent.freeSockets).flat()[0], socket)
    assert.equal((await text(http2.request({ ':path': '/large/5', ':authority': OWN }))).length, 5)
    http2.close()
    agent.destroy()
    gateway.secure.useOwn({ cert: own.chain, key: own.key })
  })

  test('private keys lie on disk for the gateway only', async () => {
    assert.equal((await stat(join(gateway.folder, 'routes.json'))).mode & 0o777, 0o600)
  })
})

describe('the files of a certificate', () => {
  let authority: WebAuthority
  let folder: string
  let places: { cert: string; key: string }

  before(async () => {
    authority = await WebAuthority.make()
    folder = await mkdtemp(join(tmpdir(), 'mainstay-certificate-'))
    places = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  const write = async ({ chain, key }: { chain: string; key: string }) => {
    await writeFile(places.cert, chain)
    await writeFile(places.key, key)
  }

  test('are taken when they have changed, both; a broken pair leaves the one of before', async () => {
    const first = await authority.issue(['a.example.com'])
    const second = await authority.issue(['b.example.com'])
    await write(first)
    const files = await CertificateFiles.open(places)
    assert.equal(await files.look(), 'same')
    await writeFile(places.cert, second.chain)
    assert.equal(await files.look(), 'broken')
    assert.match(files.state.problem ?? '', /key values mismatch/)
    assert.equal(await files.look(), 'same')
    assert.equal(files.pair.cert, first.chain)
    await writeFile(places.key, second.key)
    assert.equal(await files.look(), 'taken')
    assert.deepEqual([files.pair.cert, files.state.problem], [second.chain, null])
    await rename(places.key, `${places.key}.away`)
    assert.equal(await files.look(), 'broken')
    await rename(`${places.key}.away`, places.key)
    assert.deepEqual([await files.look(), files.state.problem], ['same', null])
    await rm(places.key)
    assert.equal(await files.look(), 'broken')
    await write(await authority.issue(['c.example.com'], { untilMs: -1_000 }))
    assert.equal(await files.look(), 'broken')
    assert.match(files.state.problem ?? '', /it ended on/)
    assert.equal(files.pair.cert, second.chain)
  })

  test('that are no pair at the start are a fault that says so; one that has ended is shown', async () => {
    await write({ ...(await authority.issue(['a.example.com'])), key: 'nonsense' })
    await assert.rejects(CertificateFiles.open(places), { code: 'options.bad_file', status: 400 })
    await assert.rejects(CertificateFiles.open({ ...places, cert: '/nowhere' }), { code: 'options.bad_file' })
    await write(await authority.issue(['a.example.com'], { untilMs: -1_000 }))
    assert.match((await CertificateFiles.open(places)).state.problem ?? '', /it ended on/)
  })
})
