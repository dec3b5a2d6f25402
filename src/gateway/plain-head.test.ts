import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { duplexPair } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LANE_BODY_BYTES_MAX, LANE_HEAD_BYTES_MAX } from '../kit/limits.ts'
import { scanPlainHead } from './plain-head.ts'

const RUNS = 10_000
const GET = 'GET /tables/a?$top=1 HTTP/1.1\r\nHost: shop.example.com\r\n'
const POST = 'POST /tables/a HTTP/1.1\r\nHost: shop.example.com\r\n'

function scan(head: string) {
  return scanPlainHead(Buffer.from(head, 'latin1'))
}

describe('the head of a request', () => {
  const plain: [name: string, head: string][] = [
    ['a get', `${GET}\r\n`],
    ['a get with what clients send', `${GET}Connection: Keep-Alive\r\nX-ZUMO-APPLICATION: k\r\nAccept:*/*\r\n\r\n`],
    ['an empty value', `${GET}X-A:\r\n\r\n`],
    ['an address with a port', 'GET / HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n'],
    ['an address of version 6', 'GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n'],
    ['a delete without a body', 'DELETE /tables/a/1 HTTP/1.1\r\nHost: a.example.com\r\n\r\n'],
    ['a body', `${POST}Content-Length: 2\r\n\r\n{}`],
    ['no body that is told', `${POST}Content-Length: 0\r\n\r\n`],
    ['the largest body', `${POST}Content-Length: ${LANE_BODY_BYTES_MAX}\r\n\r\n`],
  ]
  for (const [name, head] of plain) {
    test(`${name} is plain`, () => assert.equal(typeof scan(head), 'object'))
  }

  test('is told with what a gateway looks at, what it passes on, and what follows it', () => {
    const head = scan(`${POST}X-Request-ID: \t a b \t\r\n__proto__: c\r\nContent-Length: 2\r\n\r\n{}GET`)
    assert.ok(head !== null && head !== 'hand over')
    assert.deepEqual([head.method, head.url, head.bodyBytes], ['POST', '/tables/a', 2])
    assert.deepEqual([head.headers.host, head.headers['x-request-id']], ['shop.example.com', 'a b'])
    // What is set anew is left out.
    assert.equal(head.lines, '__proto__: c\r\nContent-Length: 2\r\n')
    assert.equal(head.headBytes, `${POST}X-Request-ID: \t a b \t\r\n__proto__: c\r\nContent-Length: 2\r\n\r\n`.length)
  })

  const others: [name: string, head: string][] = [
    ['a length and a coding', `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a coding', `${POST}Transfer-Encoding: chunked\r\n\r\n`],
    ['a coding of an odd name', `${POST}Transfer-Encoding : chunked\r\n\r\n`],
    ['a coding that hides', `${POST}Content-Length: 2\r\nTransfer-Encoding: xchunked\r\n\r\n`],
    ['two lengths', `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`],
    ['one length twice', `${POST}Content-Length: 2\r\ncontent-length: 2\r\n\r\n`],
    ['a list of lengths', `${POST}Content-Length: 2, 2\r\n\r\n`],
    ['a length with a sign', `${POST}Content-Length: +5\r\n\r\n`],
    ['a length below nothing', `${POST}Content-Length: -5\r\n\r\n`],
    ['a length in hexadecimal', `${POST}Content-Length: 0x5\r\n\r\n`],
    ['a length of nothing', `${POST}Content-Length:\r\n\r\n`],
    ['a broken length', `${POST}Content-Length: 5.0\r\n\r\n`],
    ['a length with a blank in it', `${POST}Content-Length: 5 5\r\n\r\n`],
    ['a length that is too long', `${POST}Content-Length: ${LANE_BODY_BYTES_MAX + 1}\r\n\r\n`],
    ['a length that no number holds', `${POST}Content-Length: ${'9'.repeat(30)}\r\n\r\n`],
    ['no length where one is expected', `${POST}\r\n`],
    ['a body of a get', `${GET}Content-Length: 0\r\n\r\n`],
    ['a blank before a colon', `${GET}X-A : b\r\n\r\n`],
    ['a blank before a name', `${GET} X-A: b\r\n\r\n`],
    ['a line that is folded', `${GET}X-A: b\r\n c\r\n\r\n`],
    ['a line without a colon', `${GET}X-A\r\n\r\n`],
    ['a name of nothing', `${GET}: b\r\n\r\n`],
    ['a line that ends early', `${GET}X-A: b\nX-B: c\r\n\r\n`],
    ['a line that ends with a lone return', `${GET}X-A: b\rX-B: c\r\n\r\n`],
    ['a zero byte in a value', `${GET}X-A: b\0\r\n\r\n`],
    ['a zero byte in a name', `${GET}X-\0A: b\r\n\r\n`],
    ['a letter beyond ASCII in a value', `${GET}X-A: \xe9\r\n\r\n`],
    ['a letter beyond ASCII in a name', `${GET}X-\xe9: b\r\n\r\n`],
    ['a letter beyond ASCII in the target', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a whole URL', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an authority', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a blank in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two blanks after the method', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a tab after the method', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a method in small letters', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a method that we do not know', 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['the version of before', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['another version', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
    ['no version', 'GET /\r\nHost: a\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an empty line before', `\r\n${GET}\r\n`],
    ['no host', 'GET / HTTP/1.1\r\nX-A: b\r\n\r\n'],
    ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['two hosts', `${GET}Host: shop.example.com\r\n\r\n`],
    ['two hosts of another case', `${GET}hOST: other\r\n\r\n`],
    ['a host that is none', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n'],
    ['a list of hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
    ['an id that is there twice', `${GET}X-Request-Id: b\r\nx-request-id: c\r\n\r\n`],
    ['an origin that is there twice', `${GET}Origin: b\r\nOrigin: b\r\n\r\n`],
    ['two ways to end', `${GET}Connection: keep-alive\r\nConnection: keep-alive\r\n\r\n`],
    ['what only we say', `${GET}X-Mainstay-Service: other\r\n\r\n`],
    ['what only we say, in other letters', `${GET}x-MAINSTAY-anything: 1\r\n\r\n`],
    ['how long it would stay', `${GET}Keep-Alive: timeout=5\r\n\r\n`],
    ['a connection that is to end', `${GET}Connection: close\r\n\r\n`],
    ['headers of the hop', `${GET}Connection: keep-alive, x-a\r\nX-A: b\r\n\r\n`],
    ['another protocol', `${GET}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`],
    ['another protocol that hides', `${GET}Upgrade: h2c\r\n\r\n`],
    ['an expectation', `${POST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`],
    ['trailers', `${GET}TE: trailers\r\n\r\n`],
    ['what is behind the body', `${POST}Content-Length: 2\r\nTrailer: x-a\r\n\r\n`],
    ['a handshake of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a head that is too long', `${GET}X-A: ${'a'.repeat(LANE_HEAD_BYTES_MAX)}\r\n\r\n`],
    ['one that is too long already', `${GET}X-A: ${'a'.repeat(LANE_HEAD_BYTES_MAX)}`],
  ]
  for (const [name, head] of others) {
    test(`with ${name} is handed over`, () => assert.equal(scan(head), 'hand over'))
  }

  test('is waited for as long as it may become a plain one', () => {
    const head = `${POST}Content-Length: 2\r\n\r\n`
    for (let length = 1; length < head.length; length += 1) assert.equal(scan(head.slice(0, length)), null)
  })
})

function setAnew(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const names = ['connection', 'cookie', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto']
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])))
}

// Node's own parser, without a network: what it makes of bytes, or null when it refuses them.
async function parseByNode(bytes: Buffer): Promise<{ request: IncomingMessage; body: string; count: number } | null> {
  const server = createServer()
  const [client, side] = duplexPair()
  // It answers those that it refuses.
  client.resume()
  const found = Promise.withResolvers<IncomingMessage | null>()
  let count = 0
  server.on('request', (request) => {
    count += 1
    found.resolve(request)
  })
  server.on('clientError', () => found.resolve(null))
  server.emit('connection', side)
  client.write(bytes)
  const request = await found.promise
  const body = request === null ? '' : (await buffer(request)).toString('latin1')
  // Had the rest of these bytes been another request, it would be here by then.
  await new Promise((resolve) => setImmediate(resolve))
  side.destroy()
  return request && { request, body, count }
}

describe('what is taken, Node reads alike', () => {
  const token = fc.constantFrom(
    'X-Request-Id',
    'X-Forwarded-For',
    'Host',
    'X-A',
    'x-a',
    'Content-Length',
    'Cookie',
    'Accept',
    'Connection',
    'TE',
    'X_b',
  )
  const name = fc.oneof(token, fc.string({ minLength: 1, maxLength: 4, unit: 'binary-ascii' }))
  const word = fc.constantFrom('a', '2', '0', '02', '', 'keep-alive', 'close', 'chunked', 'a, b', '\t b ', '2 ', ' 2')
  const value = fc.oneof(word, fc.string({ maxLength: 6, unit: 'binary-ascii' }))
  const colon = fc.constantFrom(': ', ': ', ':', ':  ', ':\t', ' : ', '')
  const end = fc.oneof({ weight: 40, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\r\n '))
  const line = fc.tuple(name, colon, value, end).map((parts) => parts.join(''))
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'get', 'LOCK')
  const target = fc.oneof(
    fc.constantFrom('/', '/a?b=c', '*', 'http://a/', '/%20', '/a/b', '/a#b'),
    fc.string({ maxLength: 8, unit: 'binary-ascii' }).map((tail) => `/${tail}`),
  )
  const host = fc.constantFrom('Host: a.b\r\n', 'host: a.b:80\r\n', 'HOST:a.b \r\n')
  const length = fc.constantFrom('Content-Length: 2\r\n', 'content-length:02\r\n', '')
  const request = fc
    .tuple(method, target, fc.constantFrom(' HTTP/1.1\r\n'), host, length, fc.array(line, { maxLength: 3 }))
    .map(([verb, path, version, ...rest]) => `${verb} ${path}${version}${rest.flat().join('')}\r\n`)
  const body = fc.constantFrom('{}', '')

  const compare = async (bytes: Buffer): Promise<boolean> => {
    const scanned = scanPlainHead(bytes)
    if (scanned === null || scanned === 'hand over') return false
    const whole = scanned.headBytes + scanned.bodyBytes
    if (bytes.length < whole) return false
    const parsed = await parseByNode(bytes.subarray(0, whole))
    assert.ok(parsed, 'Node refuses it')
    assert.deepEqual([scanned.method, scanned.url], [parsed.request.method, parsed.request.url])
    const { headers } = parsed.request
    for (const [name, value] of Object.entries(scanned.headers)) assert.equal(value, headers[name])
    // What is passed on reads alike, too, and lacks what is set anew.
    const passedOn = await parseByNode(
      Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${scanned.lines}\r\n${'x'.repeat(99)}`),
    )
    assert.ok(passedOn, 'Node refuses what is passed on')
    const left = { ...passedOn.request.headers, host: headers.host, ...setAnew(headers) }
    assert.deepEqual(left, { ...headers })
    assert.deepEqual([bytes.toString('latin1', scanned.headBytes, whole), parsed.count], [parsed.body, 1])
    return true
  }

  test('when it is put together from parts that mean something', async () => {
    let taken = 0
    const check = async (head: string, tail: string) => {
      if (await compare(Buffer.from(head + tail, 'latin1'))) taken += 1
    }
    await fc.assert(fc.asyncProperty(request, body, check), { numRuns: RUNS })
    assert.ok(taken > RUNS / 40, `${taken} of ${RUNS} were taken`)
  })

  test('when a byte of a plain one is changed, left out or put in', async () => {
    const heads = [
      `${GET}Accept: */*\r\nCookie: a=b\r\n\r\n`,
      `${POST}Content-Length: 12\r\nX-A: b\r\n\r\n{"a": "b   "}`,
    ]
    const special = fc.constantFrom(0, 9, 10, 11, 13, 32, 35, 43, 44, 45, 48, 58, 95, 127, 128, 160, 255)
    const byte = fc.oneof(special, fc.nat(255))
    const change = fc.record({ at: fc.nat(100), byte, removed: fc.nat(2), inserted: fc.nat(2) })
    let taken = 0
    const check = async (head: string, changes: { at: number; byte: number; removed: number; inserted: number }[]) => {
      const bytes = [...Buffer.from(head, 'latin1')]
      for (const { at, byte: put, removed, inserted } of changes) {
        bytes.splice(at, removed, ...new Array<number>(inserted).fill(put))
      }
      if (await compare(Buffer.from(bytes))) taken += 1
    }
    const changes = fc.array(change, { minLength: 1, maxLength: 2 })
    await fc.assert(fc.asyncProperty(fc.constantFrom(...heads), changes, check), { numRuns: RUNS })
    assert.ok(taken > RUNS / 40, `${taken} of ${RUNS} were taken`)
  })
})
