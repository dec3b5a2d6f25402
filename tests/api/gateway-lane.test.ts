// The gateway's fast lane: it answers as Node's server does, and hands over what is not plain.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'
import { request as requestHttps, Agent as SecureAgent } from 'node:https'
import { connect, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { waitFor } from '../../src/kit/clock.ts'
import { GATEWAY_POOL_CONNECTIONS_MAX, GATEWAY_QUEUE_MAX, LANE_BODY_BYTES_MAX } from '../../src/kit/limits.ts'
import { LoneGateway } from '../support/lone-gateway.ts'
import { WebAuthority } from '../support/web-certificates.ts'

const SOON = { withinMs: 10_000, everyMs: 5 }
const MIB = 1_048_576
/** Sent along, it changes nothing but who reads the request. */
const BY_NODE = { te: 'x' }

type Call = { method?: string; path?: string; headers?: Record<string, string>; body?: string | Buffer }
/** `response`: rejects when the connection breaks before. */
type Asked = { request: ClientRequest; response: Promise<IncomingMessage> }
type Answered = { status: number; message: string; headers: string[][]; body: string }

/** Requests that wait at the runtime for the test to answer them. */
const waiting: { request: IncomingMessage; response: ServerResponse }[] = []

// What a path asks for.
async function answerAt(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', headers } = request
  const [, word = '', number = '0'] = (url.split('?')[0] ?? '').split('/')
  if (word === 'wait') {
    waiting.push({ request, response })
    return
  }
  const body = await buffer(request)
  // Names as our runtime writes them, and what it says to gateways only.
  response.setHeader('Cache-Control', 'no-cache')
  response.setHeader('X-Mainstay-Refused', 'yes')
  response.setHeader('x-request-id', 'not ours')
  response.setHeader('Set-Cookie', ['a=1', 'b=2'])
  const count = Number(number)
  if (word === 'hash') {
    const hash = `#${createHash('sha256').update(body).digest('hex')}#`
    response.writeHead(200, { 'content-length': hash.length }).end(hash)
  } else if (word === 'status')
    response.writeHead(count, { 'content-type': 'application/json' }).end(count === 304 ? '' : '{}')
  else if (word === 'page') response.writeHead(200, { 'content-type': 'text/html', 'content-length': '4' }).end('page')
  else if (word === 'large') response.writeHead(200, { 'content-length': count }).end(Buffer.alloc(count, 'x'))
  else if (word === 'last') response.writeHead(200, { connection: 'close', 'content-length': '4' }).end('last')
  else if (word === 'chunked') {
    for (let at = 0; at < count; at += 1) response.write(`part ${at};`)
    response.end()
  } else if (word === 'early') {
    response.writeEarlyHints({ link: '</a>; rel=preload' })
    response.writeHead(200, { 'content-length': '4' }).end('late')
  } else {
    const sorted = Object.fromEntries(Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const echo = JSON.stringify({ method, url, headers: sorted, body: body.toString('latin1') })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(echo) }).end(echo)
  }
}

describe('the fast lane', () => {
  let gateway: LoneGateway
  let authority: WebAuthority
  const agents = { plain: new Agent({ keepAlive: true }), tls: new SecureAgent({ keepAlive: true }) }
  const sockets = new Set<Socket>()

  before(async () => {
    authority = await WebAuthority.make()
    const own = await authority.issue(['todo.example.com'])
    gateway = await LoneGateway.start({
      own: { cert: own.chain, key: own.key },
      runtime: (request, response) => void answerAt(request, response).catch(() => response.destroy()),
      keepAliveMs: 1_000,
    })
  })
  beforeEach(async () => {
    waiting.length = 0
    await gateway.assign({})
  })
  after(async () => {
    for (const agent of Object.values(agents)) agent.destroy()
    for (const socket of sockets) socket.destroy()
    await gateway?.dispose()
  })

  const start = (call: Call, port: 'plain' | 'tls' = 'plain'): Asked => {
    const { method = 'GET', path = '/', headers = {}, body } = call
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const to = { host: '127.0.0.1', port: gateway.ports[port], method, path }
    const all = { host: 'todo.example.com', ...length, ...headers }
    const tls = { ca: authority.root, servername: 'todo.example.com' }
    const request =
      port === 'plain'
        ? requestHttp({ ...to, headers: all, agent: agents.plain })
        : requestHttps({ ...to, ...tls, headers: all, agent: agents.tls })
    request.end(body)
    const response = once(request, 'response').then(([answer]) => answer as IncomingMessage)
    response.catch(() => {})
    return { request, response }
  }
  const answerOf = async ({ response }: Asked): Promise<Answered> => {
    const answer = await response
    const { rawHeaders, statusCode = 0, statusMessage = '' } = answer
    const pairs = rawHeaders.flatMap((one, at) => (at % 2 === 0 ? [[one.toLowerCase(), rawHeaders[at + 1] ?? '']] : []))
    const headers = pairs.filter(([name]) => name !== 'date').toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
    return { status: statusCode, message: statusMessage, headers, body: await text(answer) }
  }
  const ask = async (call: Call, port?: 'plain' | 'tls') => await answerOf(start(call, port))
  const open = async (): Promise<{ socket: Socket; read: () => string; isClosed: () => boolean }> => {
    const socket = connect(gateway.ports.plain, '127.0.0.1')
    sockets.add(socket)
    let read = ''
    let isClosed = false
    socket.on('data', (bytes) => {
      read += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      isClosed = true
    })
    await once(socket, 'connect')
    return { socket, read: () => read, isClosed: () => isClosed }
  }
  const until = async (what: string, isSo: () => boolean) => await waitFor(what, () => isSo() || undefined, SOON)
  const held = async () => await waitFor('a request at the runtime', () => waiting.shift(), SOON)
  const statuses = () => Object.fromEntries(gateway.traffic.counts.list().map(({ status, count }) => [status, count]))

  const json = { 'content-type': 'application/json' }
  const id = { 'x-request-id': 'mine' }
  const alike: [name: string, call: Call][] = [
    ['a get', { path: '/tables/a?$top=1', headers: id }],
    ['a get by the path', { path: '/services/todo/tables/a', headers: { ...id, host: '127.0.0.1' } }],
    ['an insert', { method: 'POST', path: '/tables/a', headers: { ...id, ...json }, body: '{"a":"\u00e9"}' }],
    ['an update', { method: 'PATCH', path: '/tables/a/1', headers: { ...id, ...json }, body: '{}' }],
    ['an empty body', { method: 'PUT', path: '/tables/a/1', headers: id, body: '' }],
    ['the largest body', { method: 'POST', path: '/tables/a', headers: id, body: 'x'.repeat(LANE_BODY_BYTES_MAX) }],
    ['a delete', { method: 'DELETE', path: '/tables/a/1', headers: id }],
    ['a head', { method: 'HEAD', path: '/large/100', headers: id }],
    [
      'what a browser asks first',
      { method: 'OPTIONS', path: '/a', headers: { ...id, origin: 'https://a.example.com' } },
    ],
    ['no content', { path: '/status/204', headers: id }],
    ['what has not changed', { path: '/status/304', headers: id }],
    ['what is not there', { path: '/status/404', headers: id }],
    ['a failure', { path: '/status/500', headers: id }],
    ['a status of its own', { path: '/status/599', headers: id }],
    ['chunks', { path: '/chunked/20', headers: id }],
    ['no chunks', { path: '/chunked/0', headers: id }],
    ['a large answer', { path: `/large/${3 * MIB}`, headers: id }],
    ['a page', { path: '/page', headers: id }],
    ['a page by the path', { path: '/services/todo/page', headers: { ...id, host: '127.0.0.1' } }],
    ['the last answer of its connection', { path: '/last', headers: id }],
    ['an answer after hints', { path: '/early', headers: id }],
    ['cookies', { path: '/a', headers: { ...id, cookie: 'a=1;b=2; mainstay_session=c;  d=4' } }],
    ['lies', { path: '/a', headers: { ...id, 'x-forwarded-proto': 'https' } }],
    ['who came before', { path: '/a', headers: { ...id, 'x-forwarded-for': '192.0.2.1' } }],
    ['odd names', { path: '/a', headers: { ...id, __proto__x: 'a', "x_y!#$%&'*+.^`|~": 'b', constructor: 'c' } }],
  ]
  for (const port of ['plain', 'tls'] as const) {
    for (const [name, call] of alike) {
      test(`answers ${name} on the ${port} port as Node's server does`, async () => {
        await gateway.assign({ https: { isRedirected: false, hstsSeconds: 60 } })
        const before = gateway.readByNode
        const fast = await ask(call, port)
        assert.equal(gateway.readByNode, before)
        const byNode = await ask({ ...call, headers: { ...call.headers, ...BY_NODE } }, port)
        assert.equal(gateway.readByNode, before + 1)
        assert.deepEqual(fast, byNode)
      })
    }
  }

  test('gives a request an id where it has none that may be kept', async () => {
    for (const headers of [{}, { 'x-request-id': 'not/ours' }]) {
      const answer = await ask({ path: '/a', headers })
      const given = answer.headers.find(([name]) => name === 'x-request-id')?.[1]
      assert.match(given ?? '', /^[\da-f-]{36}$/)
      assert.equal(JSON.parse(answer.body).headers['x-request-id'], given)
    }
  })

  test('counts what it carries as Node’s server does: requests, bytes, devices', async () => {
    const totals = () => {
      const minutes = gateway.traffic.usage.report()?.minutes ?? []
      const sum = (count: (one: (typeof minutes)[number]) => number) =>
        minutes.reduce((all, one) => all + count(one), 0)
      return { requests: sum((one) => one.requests), bytes: sum((one) => one.bytesOut), well: statuses()['2xx'] ?? 0 }
    }
    const count = async (headers: Record<string, string>) => {
      const before = totals()
      await ask({ path: '/large/1000', headers: { ...id, 'x-zumo-installation-id': 'd', ...headers } })
      await until('the count', () => totals().requests > before.requests)
      const now = totals()
      assert.equal(gateway.traffic.inFlight, 0)
      return [now.requests - before.requests, now.bytes - before.bytes, now.well - before.well]
    }
    const fast = await count({})
    assert.deepEqual(fast, await count(BY_NODE))
    assert.deepEqual([fast[0], fast[2]], [1, 1])
    assert.notEqual(gateway.traffic.usage.report()?.minutes.at(-1)?.devices, null)
  })

  test('hands over what is sent before the answer to the one before, when that is there', async () => {
    const { socket, read } = await open()
    const before = gateway.readByNode
    const host = 'host: todo.example.com\r\n'
    const first = `GET /wait HTTP/1.1\r\n${host}\r\n`
    const second = `POST /second HTTP/1.1\r\n${host}content-length: 2\r\n\r\n{}`
    const third = `GET /status/404 HTTP/1.1\r\n${host}\r\n`
    socket.write(first + second + third)
    const { response } = await held()
    assert.equal(read(), '')
    response.end('first')
    await until('three answers', () => read().includes('404 Not Found'))
    assert.match(
      read(),
      /^HTTP\/1\.1 200 OK[\s\S]*first[\s\S]*HTTP\/1\.1 200 OK[\s\S]*\/second[\s\S]*HTTP\/1\.1 404 Not Found/,
    )
    assert.equal(gateway.readByNode, before + 2)
  })

  test('any number of requests behind one that is refused at once are answered', async (t) => {
    const holding: Socket[] = []
    t.after(() => holding.forEach((one) => void one.destroy()))
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: todo.example.com\r\n\r\n`
    for (let count = 0; count < GATEWAY_POOL_CONNECTIONS_MAX + GATEWAY_QUEUE_MAX; count += 1) {
      const { socket } = await open()
      socket.write(request('/wait'))
      holding.push(socket)
    }
    await until('all of them', () => gateway.traffic.inFlight === holding.length)
    const before = gateway.traffic.refusals.full
    const { socket, read } = await open()
    const many = 3_000
    socket.write(request('/status/404').repeat(many))
    const answers = (status: number) => read().split(`HTTP/1.1 ${status} `).length - 1
    await until('all answers', () => answers(503) + answers(404) === many)
    assert.ok(answers(503) >= 1)
    assert.equal(gateway.traffic.refusals.full, before + answers(503))
    for (const one of holding) one.destroy()
    await until('nobody', () => gateway.traffic.inFlight === 0)
  })

  test('hands over bodies that are sent ahead by TLS whole and in order', async () => {
    const bodies = [randomBytes(50_000), randomBytes(4 * MIB), randomBytes(50_000)]
    const host = 'host: todo.example.com\r\n'
    const posts = bodies.map((body) =>
      Buffer.concat([Buffer.from(`POST /hash HTTP/1.1\r\n${host}content-length: ${body.length}\r\n\r\n`), body]),
    )
    const all = Buffer.concat([...posts, Buffer.from(`GET /status/404 HTTP/1.1\r\n${host}\r\n`)])
    const hashes = bodies.map((body) => createHash('sha256').update(body).digest('hex'))
    const run = async () => {
      const to = { port: gateway.ports.tls, host: '127.0.0.1', ca: authority.root, servername: 'todo.example.com' }
      const socket = connectTls(to)
      sockets.add(socket)
      let read = ''
      socket.on('data', (chunk: Buffer) => {
        read += chunk.toString('latin1')
      })
      socket.write(all)
      await until('four answers', () => read.includes('404 Not Found'))
      socket.destroy()
      assert.deepEqual(
        [...read.matchAll(/#([0-9a-f]{64})#/g)].map(([, hash]) => hash),
        hashes,
      )
    }
    for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 4 }, run))
  })

  test('hands over heads of very many lines, which Node refuses', async () => {
    const { socket, read } = await open()
    const broken = gateway.traffic.refusals.broken
    socket.write(`GET /a HTTP/1.1\r\nhost: todo.example.com\r\n${'a:\r\n'.repeat(1_800)}\r\n`)
    await until('an answer', () => read() !== '')
    assert.match(read(), /^HTTP\/1\.1 431 /)
    assert.equal(gateway.traffic.refusals.broken, broken)
  })

  test('hands over in the middle of a connection what is not plain, with all that follows', async () => {
    const { socket, read } = await open()
    const before = gateway.readByNode
    const host = 'host: todo.example.com\r\n'
    const chunks = `POST /second HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`
    socket.write(`GET /first HTTP/1.1\r\n${host}\r\n${chunks}GET /status/404 HTTP/1.1\r\n${host}\r\n`)
    await until('three answers', () => read().includes('404 Not Found'))
    assert.match(read(), /\/first[\s\S]*\/second[\s\S]*404 Not Found/)
    assert.equal(gateway.readByNode, before + 2)
  })

  test('hands over what was sent ahead in large amounts, to the last byte', async () => {
    const { socket, read } = await open()
    const before = gateway.readByNode
    const host = 'host: todo.example.com\r\n'
    socket.write(`GET /wait HTTP/1.1\r\n${host}\r\n`)
    const { response } = await held()
    const body = 'x'.repeat(4 * MIB)
    socket.write(`POST /ahead HTTP/1.1\r\n${host}content-length: ${body.length}\r\n\r\n${body}`)
    socket.write(`GET /status/404 HTTP/1.1\r\n${host}\r\n`)
    await untilStill('what is read', () => socket.writableLength)
    response.end('first')
    await until('three answers', () => read().includes('404 Not Found'))
    assert.ok(read().includes(`"body":"${body}"`))
    assert.equal(gateway.readByNode, before + 2)
  })

  test('hands over what is waited for with an expectation, larger bodies and what is for the gateway itself', async () => {
    const before = gateway.readByNode
    const large = await ask({ method: 'POST', path: '/a', body: 'x'.repeat(5 * MIB) })
    assert.equal(JSON.parse(large.body).body.length, 5 * MIB)
    const expecting = start({ method: 'POST', path: '/a', headers: { expect: '100-continue' }, body: '{}' })
    assert.equal((await answerOf(expecting)).status, 200)
    const lying = await ask({ path: '/a', headers: { 'x-mainstay-service': 'other' } })
    assert.equal(JSON.parse(lying.body).headers['x-mainstay-service'], 'todo')
    assert.equal((await ask({ path: '/', headers: { host: '127.0.0.1' } })).status, 200)
    assert.equal((await ask({ path: '/', headers: { host: 'other.example.com' } })).status, 404)
    assert.equal(gateway.readByNode, before + 5)
  })

  test('any requests in any parts are answered in order', async () => {
    const { socket, read } = await open()
    let asked = 0
    const line = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nhost: todo.example.com\r\n`
    const ofBody = (body: string) => `content-length: ${body.length}\r\n\r\n${body}`
    const plain = fc.oneof(
      fc.constantFrom(
        `${line('GET', '/a')}\r\n`,
        `${line('GET', '/chunked/3')}\r\n`,
        `${line('GET', '/status/204')}\r\n`,
      ),
      fc.constantFrom(
        `${line('GET', '/large/100000')}\r\n`,
        `${line('HEAD', '/large/5')}\r\n`,
        `${line('GET', '/last')}\r\n`,
      ),
      fc.string({ maxLength: 3_000, unit: 'binary-ascii' }).map((body) => `${line('POST', '/a')}${ofBody(body)}`),
    )
    const other = fc.constantFrom(
      `${line('POST', '/a')}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `${line('POST', '/a')}expect: 100-continue\r\n${ofBody('{}')}`,
    )
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })
    const sendAll = async (requests: string[], lengths: number[], at: Awaited<ReturnType<typeof open>>) => {
      const marked = requests.map((one, turn) => one.replace('host:', `x-request-id: ${asked + turn}\r\nhost:`))
      const bytes = Buffer.from(marked.join(''), 'latin1')
      for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
        const length = lengths[turn % lengths.length] ?? bytes.length
        at.socket.write(bytes.subarray(from, from + length))
        from += length
        await new Promise((resolve) => setImmediate(resolve))
      }
      asked += requests.length
      const ids = () => [...at.read().matchAll(/\r\nx-request-id: (\d+)\r\n/gi)].map(([, found]) => Number(found))
      await until('the answers', () => ids().at(-1) === asked - 1)
      return ids()
    }
    // On one connection as long as all are plain.
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 5 }), cuts, async (requests, lengths) => {
        const ids = await sendAll(requests, lengths, { socket, read, isClosed: () => false })
        assert.deepEqual(
          ids,
          ids.map((_, at) => at),
        )
      }),
      { numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(plain, other), { minLength: 2, maxLength: 5 }),
        cuts,
        async (requests, lengths) => {
          const first = asked
          const fresh = await open()
          const ids = await sendAll(requests, lengths, fresh)
          fresh.socket.destroy()
          assert.deepEqual(
            ids,
            requests.map((_, at) => first + at),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('answers what is no HTTP as Node\u2019s server does', async () => {
    for (const bytes of ['\x16\x03\x01\x02\x00', 'GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n', 'hello\r\n\r\n']) {
      const { socket, read, isClosed } = await open()
      socket.write(bytes, 'latin1')
      await until('the end', isClosed)
      assert.match(read(), /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/)
    }
  })

  test('a request that comes in parts is carried once it is whole', async () => {
    const before = gateway.readByNode
    const { socket, read } = await open()
    const whole = 'POST /a HTTP/1.1\r\nhost: todo.example.com\r\ncontent-length: 5\r\n\r\nhello'
    for (const letter of whole) {
      await new Promise((resolve) => socket.write(letter, resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until('the answer', () => read().includes('"body":"hello"'))
    assert.ok(gateway.readByNode - before <= 1)
  })

  const parts: [name: string, first: string, rest: string][] = [
    ['a head', 'GET /a HTTP/1.1\r\nhost: todo.', 'example.com\r\n\r\n'],
    ['a body', 'POST /a HTTP/1.1\r\nhost: todo.example.com\r\ncontent-length: 5\r\n\r\nhel', 'lo'],
    ['nothing', '', 'GET /a HTTP/1.1\r\nhost: todo.example.com\r\n\r\n'],
  ]
  for (const [name, first, rest] of parts) {
    test(`who sends ${name} and then waits is Node\u2019s server\u2019s, and its limits hold`, async () => {
      await until('nobody else', () => gateway.lane.size === 0)
      const before = gateway.readByNode
      const { socket, read } = await open()
      if (first !== '') socket.write(first)
      await until('it to be there', () => gateway.lane.size === 1)
      await until('it to be handed over', () => gateway.lane.size === 0)
      socket.write(rest)
      await until('the answer', () => read().includes('200 OK'))
      assert.equal(gateway.readByNode, before + 1)
    })
  }

  test('who ends in the middle of a request is told so', async () => {
    const { socket, read, isClosed } = await open()
    socket.end('GET /a HTTP/1.1\r\nhost: to')
    await until('the end', isClosed)
    assert.match(read(), /^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test('a connection that is not used is ended, as it was told', async () => {
    const { socket, read, isClosed } = await open()
    socket.write('GET /a HTTP/1.1\r\nhost: todo.example.com\r\n\r\n')
    await until('the answer', () => read().includes('200 OK'))
    assert.match(read(), /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n/)
    await until('the end', isClosed)
  })

  for (const way of ['hangs up', 'ends what it sends']) {
    test(`a client that ${way} breaks its request off at the runtime`, async () => {
      const before = statuses().aborted ?? 0
      const { socket } = await open()
      socket.write('GET /wait HTTP/1.1\r\nhost: todo.example.com\r\n\r\n')
      const { request } = await held()
      assert.deepEqual(gateway.traffic.underWay, { todo: 1 })
      const broken = closeOf(request.socket)
      if (way === 'hangs up') socket.destroy()
      else socket.end()
      await broken
      await until('the count', () => statuses().aborted === before + 1)
      assert.deepEqual([gateway.traffic.underWay, gateway.traffic.inFlight], [{}, 0])
      assert.equal((await ask({ path: '/a' })).status, 200)
    })
  }

  const breaks: [method: string, message: RegExp][] = [
    ['POST', /whether the change was made is not known/],
    ['GET', /cannot be reached at the moment/],
  ]
  for (const [method, message] of breaks) {
    const body = method === 'POST' ? { body: '{}' } : {}

    test(`a ${method} whose connection breaks before its answer is told so, and its client stays`, async () => {
      const refusals = gateway.traffic.refusals.broken
      const call = start({ method, path: '/wait', headers: id, ...body })
      const { request } = await held()
      request.socket.destroy()
      const fast = await answerOf(call)
      assert.equal(fast.status, 503)
      assert.match(fast.body, message)
      assert.equal(gateway.traffic.refusals.broken, refusals + 1)
      const other = start({ method, path: '/wait', headers: { ...id, ...BY_NODE }, ...body })
      ;(await held()).request.socket.destroy()
      assert.deepEqual(fast, await answerOf(other))
    })

    test(`a ${method} that is under way when its route is closed is told so at once`, async () => {
      const call = start({ method, path: '/wait', ...body })
      const { request } = await held()
      const broken = closeOf(request.socket)
      const closed = { cause: 'region_unreachable' as const, message: 'West US is gone.', retryAfterSeconds: 2 }
      await gateway.assign({ routes: [{ ...gateway.route, closed }] })
      const answer = await answerOf(call)
      assert.equal(answer.status, 503)
      assert.match(answer.body, message)
      await broken
      const before = gateway.readByNode
      assert.match((await ask({ method, path: '/a', ...body })).body, /West US is gone/)
      assert.equal(gateway.readByNode, before + 1)
    })
  }

  test('a request that is under way when its service is served elsewhere ends where it is', async () => {
    const call = start({ path: '/wait' })
    const { response, request } = await held()
    const left = closeOf(request.socket)
    await gateway.assign({ routes: [{ ...gateway.route, runtime: 'other', epoch: 8 }] })
    const next = await ask({ path: '/a' })
    assert.equal(JSON.parse(next.body).headers['x-mainstay-epoch'], '8')
    response.end('well')
    assert.equal((await answerOf(call)).body, 'well')
    await left
  })

  test('a request for a service that is being moved waits with Node’s server, and ends where it was moved to', async () => {
    const before = gateway.readByNode
    await gateway.assign({ routes: [{ ...gateway.route, isHeld: true }] })
    const call = start({ method: 'POST', path: '/a', body: '{}' })
    await until('it to be there', () => gateway.readByNode === before + 1)
    await gateway.assign({ routes: [{ ...gateway.route, epoch: 9 }] })
    assert.equal(JSON.parse((await answerOf(call)).body).headers['x-mainstay-epoch'], '9')
  })

  test('an answer that breaks off in the middle breaks its client off, too', async () => {
    const refusals = gateway.traffic.refusals.broken
    const call = start({ path: '/wait' })
    const { response } = await held()
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    const answer = await call.response
    response.socket?.destroy()
    await assert.rejects(text(answer), { code: 'ECONNRESET' })
    await until('the count', () => gateway.traffic.refusals.broken === refusals + 1)
    assert.deepEqual([gateway.traffic.underWay, gateway.traffic.inFlight], [{}, 0])
  })

  const bad: [name: string, bytes: string][] = [
    ['has no end', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    ['has two', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['is no HTTP', 'hello\r\n\r\n'],
  ]
  for (const [name, bytes] of bad) {
    test(`an answer that ${name} is none`, async () => {
      const call = start({ path: '/wait' })
      const { request } = await held()
      request.socket.write(bytes)
      assert.equal((await answerOf(call)).status, 503)
    })
  }

  test('bytes behind an answer are nobody\u2019s', async () => {
    const call = start({ path: '/wait' })
    const { request } = await held()
    const broken = closeOf(request.socket)
    request.socket.write(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad',
    )
    assert.equal((await answerOf(call)).body, 'ok')
    await broken
    assert.match((await ask({ path: '/a' })).body, /"url":"\/a"/)
  })

  test('a client that does not read holds its answer back at the runtime, and gets all of it', async () => {
    const { socket } = await open()
    socket.removeAllListeners('data')
    socket.pause()
    socket.write('GET /wait HTTP/1.1\r\nhost: todo.example.com\r\n\r\n')
    const { response } = await held()
    const length = 64 * MIB
    response.writeHead(200, { 'content-length': length })
    let sent = 0
    const chunk = Buffer.alloc(MIB, 'y')
    const pump = () => {
      while (sent < length) {
        sent += chunk.length
        if (!response.write(chunk)) return
      }
      response.end()
    }
    response.on('drain', pump)
    pump()
    // Full buffers on the way take no more, however long one waits.
    await untilStill('what is sent', () => sent)
    assert.ok(sent < length, `${sent} bytes were taken`)
    let read = 0
    socket.on('data', (bytes) => {
      read += bytes.length
    })
    socket.resume()
    await waitFor('all of it', () => (read > length ? true : undefined), { withinMs: 30_000, everyMs: 5 })
  })

  test('a runtime that ended a kept connection is given the next request on another', async () => {
    const call = start({ path: '/wait' })
    const { request, response } = await held()
    const closed = closeOf(request.socket)
    response.end('one')
    assert.equal((await answerOf(call)).body, 'one')
    request.socket.end()
    await closed
    assert.equal((await ask({ method: 'POST', path: '/a', body: '{}' })).status, 200)
  })
})

// The same in two looks.
async function untilStill(what: string, read: () => number): Promise<void> {
  let last = -1
  const look = () => {
    const isStill = read() === last
    last = read()
    return isStill || undefined
  }
  await waitFor(`${what} to stand still`, look, { withinMs: 20_000, everyMs: 500 })
}

// However it ends.
async function closeOf(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve))
}

test('a lane that is closed ends what is open', async () => {
  const gateway = await LoneGateway.start()
  try {
    const socket = connect(gateway.ports.plain, '127.0.0.1')
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    await once(socket, 'connect')
    await waitFor('it to be there', () => (gateway.lane.size === 1 ? true : undefined), SOON)
    gateway.lane.close()
    await closed
  } finally {
    await gateway.dispose()
  }
})
