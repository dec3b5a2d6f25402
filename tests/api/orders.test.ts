// Who may order a host about: control only, whatever the URL looks like.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import type { Pool } from 'undici'
import { type Authority, issueCertificate, makeAuthority } from '../../src/accounts/authority.ts'
import { ORDERS_PROTOCOL } from '../../src/contract/protocols.ts'
import type { Host } from '../../src/host/host.ts'
import { addOrdersRoutes } from '../../src/host/orders-routes.ts'
import { type Credentials, Door } from '../../src/kit/door.ts'
import { doorPool, serveHttp } from '../../src/kit/door-http.ts'
import { buildHttpApp } from '../../src/kit/http-server.ts'

describe('a host', () => {
  let authority: Authority
  let door: Door
  let port: number
  const calls: string[] = []
  const doors: Door[] = []
  const pools: Pool[] = []

  const credentials = async (name: string, role: string): Promise<Credentials> => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const certificate = await issueCertificate(
      authority,
      { name, role, domain: 'edge' },
      { publicKey: spki, lifeMs: 60_000 },
    )
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    return { authority: authority.certificate, certificate, key }
  }
  const ask = async (as: string, method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string) => {
    const own = new Door(await credentials(`${as}-9`, as))
    doors.push(own)
    const to = { address: '127.0.0.1', port, protocol: ORDERS_PROTOCOL, target: 'orders', expectRole: 'host' }
    const pool = doorPool(own, { ...to, expectName: 'west-us-1' }, 1)
    pools.push(pool)
    const hasBody = method === 'PUT' || method === 'POST'
    const headers = hasBody ? { 'content-type': 'application/json' } : {}
    const answer = await pool.request({ method, path, headers, ...(hasBody ? { body: '{"server":"s"}' } : {}) })
    await answer.body.dump()
    return answer.statusCode
  }

  before(async () => {
    authority = await makeAuthority()
    const { app, server } = buildHttpApp(pino({ level: 'silent' }))
    // A small double of what the routes ask of a host: which calls got through is all that counts.
    const double = {
      version: 1,
      facts: async () => calls.push('facts'),
      assign: async () => calls.push('assign'),
      getServer: () => ({
        proofs: { answer: () => ({ isGiven: true, epoch: 1 }) },
        lease: { untilBootMs: () => null },
        server: { describeTables: async () => calls.push('describe') },
      }),
    }
    addOrdersRoutes(app, double as unknown as Host)
    await app.ready()
    door = new Door(await credentials('west-us-1', 'host'), { [ORDERS_PROTOCOL]: serveHttp(server) })
    port = await door.listen({ address: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await Promise.all(pools.map(async (pool) => await pool.destroy()))
    await Promise.all([door, ...doors].map(async (one) => await one.close()))
  })

  const rows: [string, 'GET' | 'PUT' | 'POST' | 'DELETE', string, number][] = [
    ['control', 'PUT', '/assignment', 200],
    ['gateway', 'PUT', '/assignment', 403],
    ['gateway', 'PUT', '/assignment?x=/lease', 403],
    ['host', 'PUT', '/assignment?x=/proof', 403],
    ['gateway', 'GET', '/facts?/lease', 403],
    ['gateway', 'GET', '/live', 200],
    ['gateway', 'POST', '/proof', 403],
    ['host', 'POST', '/proof', 200],
    ['host', 'GET', '/servers/sql-west-us/lease', 200],
    ['gateway', 'GET', '/servers/sql-west-us/lease', 403],
    ['host', 'GET', '/servers/s/schemas/a/tables?x=/lease', 403],
    ['host', 'GET', '/servers/s/schemas/a/tables', 403],
  ]
  for (const [role, method, path, status] of rows) {
    test(`answers ${status} to ${method} ${path} of a ${role}`, async () => {
      calls.length = 0
      assert.equal(await ask(role, method, path), status)
      if (status === 403) assert.deepEqual(calls, [])
    })
  }

  test('is not taken for another machine whose port it has now', async () => {
    const own = new Door(await credentials('control', 'control'))
    doors.push(own)
    const to = { address: '127.0.0.1', port, protocol: ORDERS_PROTOCOL, target: 'orders', expectRole: 'host' }
    await assert.rejects(own.dial({ ...to, expectName: 'west-us-2' }), { code: 'door.unreachable' })
  })
})
