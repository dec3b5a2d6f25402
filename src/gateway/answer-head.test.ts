import assert from 'node:assert/strict'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { duplexPair } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { scanAnswerHead } from './answer-head.ts'
import { BodyWalk } from './body-walk.ts'

const RUNS = 5_000
const OK = 'HTTP/1.1 200 OK\r\n'
const scan = (head: string, method = 'GET') => scanAnswerHead(Buffer.from(head, 'latin1'), method)

describe('the head of an answer', () => {
  test('is told with what is passed on of it', () => {
    const text = `${OK}Content-Type:text/plain\r\nSet-Cookie: a\r\nX-Request-ID: b \r\nConnection: keep-alive\r\nX-A:\xa0\xe9\r\nContent-Length: 2\r\n\r\n`
    const head = scan(`${text}hi`)
    assert.ok(head !== null && head !== 'broken')
    assert.deepEqual([head.status, head.headBytes, head.isLast], [200, text.length, false])
    assert.deepEqual([head.contentType, head.hasDate], ['text/plain', false])
    assert.equal(head.lines, 'Content-Type:text/plain\r\nSet-Cookie: a\r\nX-A:\xa0\xe9\r\nContent-Length: 2\r\n')
  })

  const bodies: [name: string, method: string, head: string, body: object][] = [
    ['of a length', 'GET', `${OK}Content-Length: 5\r\n\r\n`, { kind: 'length', bytes: 5 }],
    ['of none', 'GET', `${OK}Content-Length: 0\r\n\r\n`, { kind: 'length', bytes: 0 }],
    ['in chunks', 'GET', `${OK}Transfer-Encoding: chunked\r\n\r\n`, { kind: 'chunked' }],
    ['to HEAD', 'HEAD', `${OK}Content-Length: 5\r\n\r\n`, { kind: 'none' }],
    ['to HEAD that says nothing', 'HEAD', `${OK}\r\n`, { kind: 'none' }],
    ['without content', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', { kind: 'none' }],
    ['that has not changed', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { kind: 'none' }],
    [
      'after interim ones',
      'POST',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nx: y\r\n\r\n${OK}Content-Length: 1\r\n\r\n`,
      { kind: 'length', bytes: 1 },
    ],
  ]
  for (const [name, method, head, body] of bodies) {
    test(`says where it ends: ${name}`, () => {
      const found = scan(head, method)
      assert.ok(found !== null && found !== 'broken')
      assert.deepEqual([found.body, found.headBytes], [body, head.length])
      for (let length = 0; length < head.length; length += 1) assert.equal(scan(head.slice(0, length), method), null)
    })
  }

  test('says whether its connection ends with it', () => {
    const isLast = (connection: string) => {
      const head = scan(`${OK}Content-Length: 0\r\nConnection: ${connection}\r\n\r\n`)
      return head !== null && head !== 'broken' && head.isLast
    }
    assert.deepEqual(['keep-alive', 'Keep-Alive', 'close', 'keep-alive, close', 'x'].map(isLast), [
      ...[false, false, true, true, true],
    ])
  })

  const broken: [name: string, head: string][] = [
    ['no end of its body', `${OK}Content-Type: a\r\n\r\n`],
    ['a length and a coding', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`],
    ['a length with a sign', `${OK}Content-Length: +5\r\n\r\n`],
    ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['two codings', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a coding in capitals', `${OK}Transfer-Encoding: Chunked\r\n\r\n`],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['the version of before', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a line that ends early', `${OK}x: y\nContent-Length: 0\r\n\r\n`],
    ['a line that is folded', `${OK}Content-Length: 0\r\n x\r\n\r\n`],
    ['a blank before a colon', `${OK}Content-Length : 0\r\n\r\n`],
    ['a zero byte', `${OK}x: \0\r\nContent-Length: 0\r\n\r\n`],
    ['what is no HTTP', 'hello\r\n\r\n'],
  ]
  for (const [name, head] of broken) test(`with ${name} is broken`, () => assert.equal(scan(head), 'broken'))
})

// What Node's client makes of an answer, without a network; null when it refuses it, or waits for more.
async function parseByNode(bytes: Buffer, method: string): Promise<{ answer: IncomingMessage; body: Buffer } | null> {
  const [near, far] = duplexPair()
  far.resume()
  const request = requestHttp({ method, createConnection: () => near as never })
  const found = Promise.withResolvers<{ answer: IncomingMessage; body: Buffer } | null>()
  request.on('error', () => found.resolve(null))
  request.on('response', (answer) => {
    buffer(answer).then(
      (body) => found.resolve({ answer, body }),
      () => found.resolve(null),
    )
  })
  request.end()
  far.write(bytes)
  const read = await found.promise
  near.destroy()
  return read
}

test('what is taken, Node reads alike: status, headers and where the body ends', async () => {
  const status = fc.constantFrom(200, 201, 204, 304, 404, 503, 999)
  const end = fc.oneof({ weight: 20, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\r\n '))
  const name = fc.constantFrom('X-A', 'x-a', 'Set-Cookie', 'ETag', 'X_b', 'Content-Type', 'x ')
  const value = fc.oneof(fc.constantFrom('a', '', ' b\t', 'W/"1"'), fc.string({ maxLength: 6, unit: 'binary-ascii' }))
  const line = fc.tuple(name, fc.constantFrom(': ', ':', ':\t'), value, end).map((parts) => parts.join(''))
  const framed = fc.constantFrom(
    ...['Content-Length: 5\r\n\r\nhello', 'content-length:005\r\n\r\nhello', 'Content-Length: 0\r\n\r\n'],
    ...['Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'Content-Length: 5\r\n\r\n'],
  )
  const method = fc.constantFrom('GET', 'POST', 'HEAD')
  let taken = 0
  const check = async (verb: string, code: number, lines: string[], rest: string) => {
    const bytes = Buffer.from(`HTTP/1.1 ${code} Said\r\n${lines.join('')}${rest}`, 'latin1')
    const head = scanAnswerHead(bytes, verb)
    if (head === null || head === 'broken') return
    const walk = new BodyWalk(head.body)
    const length = walk.take(bytes.subarray(head.headBytes))
    if (length === null || !walk.isOver) return
    taken += 1
    const read = await parseByNode(bytes.subarray(0, head.headBytes + length), verb)
    assert.ok(read, `Node refuses ${JSON.stringify(bytes.toString('latin1'))}`)
    assert.equal(head.status, read.answer.statusCode)
    const left = await parseByNode(Buffer.from(`HTTP/1.1 204 No Content\r\n${head.lines}\r\n`, 'latin1'), verb)
    // Of the hop, and written anew.
    const { 'transfer-encoding': _, ...headers } = read.answer.headersDistinct
    assert.deepEqual({ ...left?.answer.headersDistinct }, headers)
    if (head.body.kind === 'length') {
      assert.equal(bytes.toString('latin1', head.headBytes, head.headBytes + length), read.body.toString('latin1'))
    }
  }
  await fc.assert(fc.asyncProperty(method, status, fc.array(line, { maxLength: 3 }), framed, check), { numRuns: RUNS })
  assert.ok(taken > RUNS / 10, `${taken} of ${RUNS} were taken`)
})
