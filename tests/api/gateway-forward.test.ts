// What becomes of requests that a gateway forwards when their connection, or whoever sent them, goes away.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, mock, test } from 'node:test'
import { type Dispatcher, Pool } from 'undici'
import { answerJson, forward, type Outcome } from '../../src/gateway/forward.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { GATEWAY_ANSWER_MS_MAX, GATEWAY_QUEUE_MAX } from '../../src/kit/limits.ts'

const TO = { machine: 'm', region: 'West US', address: '127.0.0.1', port: 1 }
const ROUTE = { service: 'todo', epoch: 1, runtime: 'shared', to: TO, closed: null }

describe('a request on its way', () => {
  let runtime: Server
  let gateway: Server
  let pool: Pool
  let connections = 0
  const atRuntime: ServerResponse[] = []
  const outcomes: Outcome[] = []

  before(async () => {
    runtime = createServer((_, response) => void atRuntime.push(response))
    runtime.on('connection', () => {
      connections += 1
    })
    gateway = createServer((incoming, response) => {
      const refuse = ({ message }: { message: string }) => answerJson(response, 503, { error: message })
      const destination = { service: 'todo', path: incoming.url ?? '/', prefix: '' }
      const to = { route: ROUTE, destination, pool, requestId: 'r', isSecure: false, refuse }
      forward(incoming, response, to).then(
        (outcome) => outcomes.push(outcome),
        () => response.destroy(),
      )
    })
    for (const server of [runtime, gateway]) await once(server.listen(0, '127.0.0.1'), 'listening')
    pool = new Pool(`http://127.0.0.1:${portOf(runtime)}`, { connections: 1 })
  })
  after(async () => {
    await pool?.destroy()
    for (const server of [runtime, gateway]) server?.closeAllConnections()
    for (const server of [runtime, gateway]) server?.close()
  })

  const send = (method: string) => {
    const call = request({ host: '127.0.0.1', port: portOf(gateway), method, agent: false })
    const answered = once(call, 'response').then(async ([answer]: IncomingMessage[]) => {
      return answer ? { status: answer.statusCode, body: await text(answer) } : null
    })
    // One that goes away gets none.
    answered.catch(() => {})
    call.end(method === 'POST' ? '{}' : undefined)
    return { answered, leave: () => call.destroy() }
  }
  const untilSent = async () =>
    await waitFor('the request to arrive', () => atRuntime.shift(), { withinMs: 10_000, everyMs: 5 })

  const untilQueued = async () => {
    const isQueued = () => ((pool.stats.queued ?? 0) + (pool.stats.pending ?? 0) > 0 ? true : undefined)
    await waitFor('the queue', isQueued, { withinMs: 10_000, everyMs: 5 })
  }

  test('that nobody waits for any more when its turn comes leaves the connection to the next', async () => {
    const first = send('GET')
    const answer = await untilSent()
    const second = send('GET')
    await untilQueued()
    second.leave()
    await waitFor('the gateway to notice', () => (outcomes.length > 0 ? true : undefined), { withinMs: 10_000 })
    assert.deepEqual(outcomes, [{ kind: 'aborted' }])
    answer.end('one')
    assert.equal((await first.answered)?.body, 'one')
    const third = send('GET')
    ;(await untilSent()).end('three')
    assert.equal((await third.answered)?.body, 'three')
    assert.deepEqual([connections, atRuntime.length], [1, 0])
  })

  const broken: [method: string, message: RegExp][] = [
    ['POST', /whether the change was made is not known/],
    ['GET', /cannot be reached at the moment/],
  ]
  for (const [method, message] of broken) {
    test(`a ${method} that was sent when its route is closed is told so`, async () => {
      pool = new Pool(`http://127.0.0.1:${portOf(runtime)}`, { connections: 1 })
      const { answered } = send(method)
      await untilSent()
      await pool.destroy()
      const answer = await answered
      assert.equal(answer?.status, 503)
      assert.match(answer?.body ?? '', message)
    })
  }

  test('a POST that waited for a connection when its route is closed has changed nothing', async () => {
    pool = new Pool(`http://127.0.0.1:${portOf(runtime)}`, { connections: 1 })
    const first = send('GET')
    await untilSent()
    const second = send('POST')
    await untilQueued()
    await pool.destroy()
    assert.match((await second.answered)?.body ?? '', /cannot be reached at the moment/)
    assert.equal((await first.answered)?.status, 503)
  })

  test('that finds too many waiting is refused at once, until they are through', async () => {
    pool = new Pool(`http://127.0.0.1:${portOf(runtime)}`, { connections: 1 })
    const refused: string[] = []
    const responses: EventEmitter[] = []
    const ask = async () => {
      const ignore = () => true
      const state = { destroyed: false, headersSent: false, writeHead: ignore, write: ignore, end: ignore }
      const response = Object.assign(new EventEmitter(), state)
      responses.push(response)
      const destination = { service: 'todo', path: '/', prefix: '' }
      return await forward({ method: 'GET', headers: {} } as IncomingMessage, response as unknown as ServerResponse, {
        ...{ route: ROUTE, destination, pool, requestId: 'r', isSecure: false },
        refuse: ({ message }) => refused.push(message),
      })
    }
    // One has the connection; as many as may wait in the pool's queue, and the one that finds it just not too long.
    const asked = Array.from({ length: GATEWAY_QUEUE_MAX + 2 }, ask)
    const answer = await untilSent()
    assert.deepEqual(refused, [])
    assert.deepEqual(await ask(), { kind: 'refused', why: 'full' })
    assert.deepEqual(refused, ['Too many requests wait for the service.'])
    // Those that nobody waits for any more are through as soon as it is their turn.
    for (const response of responses.slice(1)) response.emit('close')
    answer.end('one')
    assert.deepEqual(await asked[0], { kind: 'answered' })
    assert.deepEqual(new Set((await Promise.all(asked.slice(1))).map(({ kind }) => kind)), new Set(['aborted']))
    await waitFor('the queue to empty', () => (pool.stats.queued === 0 ? true : undefined), { withinMs: 10_000 })
    const next = ask()
    ;(await untilSent()).end('next')
    assert.deepEqual(await next, { kind: 'answered' })
  })

  test('that is not answered in time is refused before its connection is broken off', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const happened: string[] = []
      let handler: Dispatcher.DispatchHandler | null = null
      const dispatch = (_: unknown, given: Dispatcher.DispatchHandler) => {
        handler = given
      }
      const done = forward(
        { method: 'POST', headers: {} } as IncomingMessage,
        Object.assign(new EventEmitter(), { destroyed: false, headersSent: false }) as unknown as ServerResponse,
        {
          ...{ route: ROUTE, destination: { service: 'todo', path: '/', prefix: '' }, requestId: 'r', isSecure: false },
          pool: { stats: {}, dispatch } as unknown as Pool,
          refuse: ({ message }) => happened.push(message),
        },
      )
      const controller = { abort: () => happened.push('broken off') } as unknown as Dispatcher.DispatchController
      ;(handler as Dispatcher.DispatchHandler | null)?.onRequestStart?.(controller, null)
      mock.timers.tick(GATEWAY_ANSWER_MS_MAX)
      assert.equal((await done).kind, 'refused')
      assert.deepEqual(happened, [
        'The connection to the service broke; whether the change was made is not known.',
        'broken off',
      ])
    } finally {
      mock.timers.reset()
    }
  })
})

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
