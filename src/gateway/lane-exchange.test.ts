import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { ANSWER_HEAD_BYTES_MAX, GATEWAY_ANSWER_MS_MAX } from '../kit/limits.ts'
import { LaneExchange } from './lane-exchange.ts'
import type { PlainHead } from './plain-head.ts'
import type { PublicDeps } from './public-server.ts'
import type { RuntimeLine, RuntimeLines } from './runtime-lines.ts'
import { Traffic } from './traffic.ts'

const TO = { machine: 'm', region: 'West US', address: '127.0.0.1', port: 1 }
const ROUTE = { service: 'todo', epoch: 1, runtime: 'shared', to: TO, closed: null }

describe('a request in the fast lane', () => {
  let happened: string[]
  let traffic: Traffic
  let client: Duplex
  let exchange: LaneExchange
  const counts = { requests: 0, failedRequests: 0 }
  const note = (what: string) => () => void happened.push(what)
  const line = () =>
    ({
      break: note('broken off'),
      release: note('released'),
      pause: note('paused'),
      resume: note('resumed'),
    }) as unknown as RuntimeLine

  const begin = (method: string, { isFull = false } = {}) => {
    const [near, far] = duplexPair()
    client = far
    const lines = { send: () => !isFull, forget: note('forgotten') } as unknown as RuntimeLines
    exchange = new LaneExchange(
      {
        head: { method, url: '/', headers: {}, lines: '' } as unknown as PlainHead,
        route: ROUTE,
        destination: { service: 'todo', path: '/', prefix: '' },
        ...{ requestId: 'r', isSecure: false, remoteAddress: '192.0.2.1', keepAliveMs: 5_000 },
        startedAt: performance.now(),
        socket: near as unknown as Socket,
        onError: (error) => assert.fail(String(error)),
      },
      { traffic, counts } as unknown as PublicDeps,
      note('over'),
    )
    exchange.begin(lines, Buffer.alloc(0))
  }
  const read = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return String(client.read() ?? '')
  }
  const ended = () => [traffic.underWay, traffic.inFlight, traffic.counts.list().map(({ status }) => status)]

  beforeEach(() => {
    happened = []
    traffic = new Traffic(pino({ level: 'silent' }), () => {})
  })

  const late: [method: string, message: RegExp][] = [
    ['POST', /whether the change was made is not known/],
    ['GET', /cannot be reached at the moment/],
  ]
  for (const [method, message] of late) {
    test(`a ${method} that is not answered in time is refused before its connection is broken off`, async () => {
      begin(method)
      exchange.board(line())
      exchange.sweep(performance.now() + GATEWAY_ANSWER_MS_MAX - 5_000)
      assert.deepEqual(happened, [])
      exchange.sweep(performance.now() + GATEWAY_ANSWER_MS_MAX)
      assert.match(await read(), message)
      assert.deepEqual(happened, ['forgotten', 'broken off', 'over'])
      assert.deepEqual([ended(), traffic.refusals.broken], [[{}, 0, ['5xx']], 1])
    })
  }

  test('that waits too long for a connection was not sent', async () => {
    begin('POST')
    exchange.sweep(performance.now() + GATEWAY_ANSWER_MS_MAX)
    assert.match(await read(), /cannot be reached at the moment/)
    assert.deepEqual([happened, traffic.refusals.unreachable], [['forgotten', 'over'], 1])
  })

  test('that finds too many waiting is refused at once', async () => {
    begin('GET', { isFull: true })
    const answer = await read()
    assert.match(
      answer,
      /^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*retry-after: 1\r\n[\s\S]*Too many requests wait/,
    )
    assert.deepEqual([traffic.refusals.full, ended()], [1, [{}, 0, ['5xx']]])
  })

  test('whose client goes away leaves the queue, or ends its connection', async () => {
    begin('GET')
    exchange.leave()
    assert.deepEqual(happened, ['forgotten'])
    begin('GET')
    exchange.board(line())
    exchange.leave()
    assert.deepEqual(happened, ['forgotten', 'forgotten', 'broken off'])
    assert.deepEqual(ended(), [{}, 0, ['aborted']])
  })

  test('whose answer comes in any parts is passed on as it is', async () => {
    const head = 'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\n'
    for (const step of [1, 2, 7, 100]) {
      happened = []
      begin('GET')
      exchange.board(line())
      const bytes = Buffer.from(`${head}hello`)
      for (let at = 0; at < bytes.length; at += step) exchange.take(bytes.subarray(at, at + step))
      const answer = await read()
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\nx-request-id: r\r\nDate: now\r\nContent-Length: 5\r\nConnection/)
      assert.ok(answer.endsWith('\r\n\r\nhello'), answer)
      assert.deepEqual(happened, ['released', 'over'])
    }
  })

  test('whose answer has a head without end is refused', async () => {
    begin('GET')
    exchange.board(line())
    exchange.take(Buffer.from('HTTP/1.1 200 OK\r\n'))
    exchange.take(Buffer.alloc(ANSWER_HEAD_BYTES_MAX, 'a'))
    assert.match(await read(), /^HTTP\/1\.1 503 /)
    assert.deepEqual([happened, traffic.refusals.broken], [['forgotten', 'broken off', 'over'], 1])
  })
})
