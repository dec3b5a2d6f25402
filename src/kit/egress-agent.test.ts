import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { egressAgent, egressPolicy, requireAllowedHost } from './egress-agent.ts'

const server = createServer((_request, response) => response.end('reached'))
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())

test('private networks are refused, but for those that are excepted', () => {
  const policy = egressPolicy(['10.1.0.0/16', 'fd00:1::/32'])
  const table: [string, boolean][] = [
    ['10.1.2.3', true],
    ['10.2.0.1', false],
    ['fd00:1::5', true],
    ['fd00:2::5', false],
    ['169.254.169.254', false],
    ['93.184.216.34', true],
  ]
  for (const [address, isAllowed] of table) assert.equal(policy.refusalOf(address) === null, isAllowed, address)
})

for (const network of ['10.1.0.0', '10.1.0.0/33', 'example.com/8', '/8', '']) {
  test(`'${network}' is no network`, () => {
    assert.throws(() => egressPolicy([network]), { code: 'options.bad_network' })
  })
}

test('an address in a URL is judged before anything is dialled', () => {
  const policy = egressPolicy([])
  assert.throws(() => requireAllowedHost(policy, new URL('http://127.0.0.1/')), { code: 'egress.refused' })
  assert.throws(() => requireAllowedHost(policy, new URL('http://[::1]/')), { code: 'egress.refused' })
  assert.throws(() => requireAllowedHost(policy, new URL('http://0x7f000001/')), { code: 'egress.refused' })
  requireAllowedHost(policy, new URL('https://example.com/'))
})

test('a name is judged by what it stands for when it is dialled', async () => {
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`
  const closed = egressAgent(egressPolicy([]), { connectMs: 1_000 })
  const open = egressAgent(egressPolicy(['127.0.0.0/8']), { connectMs: 1_000 })
  try {
    await assert.rejects(request(url, { dispatcher: closed }), /may not be reached from here: loopback/)
    const answer = await request(url, { dispatcher: open })
    assert.equal(await answer.body.text(), 'reached')
  } finally {
    await Promise.all([closed.destroy(), open.destroy()])
  }
})
