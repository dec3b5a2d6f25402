// The 503 that a gateway gives by itself, as pages of browsers see it: they read it where the service lets them call.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { LoneGateway } from '../support/lone-gateway.ts'

const CLOSED = { cause: 'region_unreachable', message: 'West US cannot be reached.', retryAfterSeconds: 2 }
const PAGE = { origin: 'https://app.example.com' }
const STRANGER = { origin: 'https://evil.example.org' }
const ASKING = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-zumo-application' }

describe('a service whose region is dead', () => {
  let gateway: LoneGateway

  before(async () => {
    gateway = await LoneGateway.start()
    await gateway.assign({ routes: [{ ...gateway.route, closed: CLOSED, origins: ['*.example.com'] }] })
  })
  after(async () => await gateway?.dispose())

  const ask = async (method: string, headers: Record<string, string>) => {
    const path = '/services/todo/tables/TodoItem'
    const call = request({ host: '127.0.0.1', port: gateway.ports.plain, method, path, headers, agent: false })
    call.end()
    const [answer] = await once(call, 'response')
    answer.resume()
    return { status: answer.statusCode as number, headers: answer.headers as Record<string, string | undefined> }
  }

  test('a page that may call sees the 503, and when to come back', async () => {
    const { status, headers } = await ask('GET', PAGE)
    assert.deepEqual([status, headers['retry-after'], headers.vary], [503, '2', 'Origin'])
    assert.equal(headers['access-control-allow-origin'], PAGE.origin)
    assert.equal(headers['access-control-expose-headers'], 'Retry-After')
  })

  test('its browser, which asks first, gets leave, and does not keep it', async () => {
    const { status, headers } = await ask('OPTIONS', { ...PAGE, ...ASKING })
    assert.equal(status, 204)
    assert.equal(headers['access-control-allow-origin'], PAGE.origin)
    assert.equal(headers['access-control-allow-headers'], 'x-zumo-application')
    assert.match(headers['access-control-allow-methods'] ?? '', /POST/)
    assert.equal(headers['access-control-max-age'], '0')
  })

  test('another page gets neither', async () => {
    for (const method of ['GET', 'OPTIONS']) {
      const { status, headers } = await ask(method, { ...STRANGER, ...ASKING })
      assert.equal(status, 503)
      assert.equal(headers['access-control-allow-origin'], undefined)
    }
  })

  test('who is no page is told as ever; so is everybody where control did not say who may', async () => {
    assert.equal((await ask('GET', {})).headers.vary, undefined)
    await gateway.assign({ routes: [{ ...gateway.route, closed: CLOSED }] })
    const { status, headers } = await ask('GET', PAGE)
    assert.deepEqual([status, headers['access-control-allow-origin']], [503, undefined])
  })
})
