// Doors whose certificate changes, ends, or belongs to a machine that was revoked.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { type Authority, issueCertificate, makeAuthority } from '../../src/accounts/authority.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { type Credentials, type DialOptions, Door } from '../../src/kit/door.ts'
import { makeKey } from '../../src/machine/join.ts'

const ECHO = 'test-echo'

describe('a door', () => {
  let authority: Authority
  let server: Door
  let to: DialOptions
  const doors: Door[] = []

  const credentials = async (name: string, lifeMs = 60_000): Promise<Credentials> => {
    const { key, publicKey } = makeKey()
    const subject = { name, role: 'host', domain: 'West US' }
    const certificate = await issueCertificate(authority, subject, { publicKey, lifeMs })
    return { authority: authority.certificate, key, certificate }
  }
  const open = async (name: string, lifeMs?: number) => {
    const door = new Door(await credentials(name, lifeMs), { [ECHO]: (socket) => socket.pipe(socket) })
    doors.push(door)
    return door
  }
  const echoes = async (socket: TLSSocket) => {
    const ended = once(socket, 'close').then(() => false)
    const answer = once(socket, 'data').then(() => true)
    socket.write('hello')
    return await Promise.race([answer, ended])
  }

  before(async () => {
    authority = await makeAuthority()
  })
  beforeEach(async () => {
    server = await open('host-1')
    const port = await server.listen({ address: '127.0.0.1', port: 0 })
    to = { address: '127.0.0.1', port, protocol: ECHO, target: 'echo', expectRole: 'host' }
  })
  after(async () => await Promise.all(doors.map(async (door) => await door.close())))

  test('shows a new certificate to whoever comes, and leaves open what is open', async () => {
    const client = await open('host-2')
    const first = await client.dial(to)
    assert.equal(await echoes(first), true)
    server.useCredentials(await credentials('host-1'))
    client.useCredentials(await credentials('host-2'))
    const second = await client.dial(to)
    assert.notEqual(second.getPeerCertificate().serialNumber, first.getPeerCertificate().serialNumber)
    assert.equal(await echoes(second), true)
    assert.equal(await echoes(first), true)
    assert.equal(second.getProtocol(), 'TLSv1.3')
  })

  for (const [cut, works] of [
    ['inbound', 'outbound'],
    ['outbound', 'inbound'],
  ] as const) {
    test(`cut ${cut} breaks what is open in that direction, answers nothing new, and goes on ${works}`, async () => {
      const other = await open('host-2')
      const back: DialOptions = { ...to, port: await other.listen({ address: '127.0.0.1', port: 0 }) }
      const inbound = async () => await other.dial({ ...to, timeoutMs: 300 })
      const outbound = async () => await server.dial({ ...back, timeoutMs: 300 })
      const sides = cut === 'inbound' ? { broken: inbound, whole: outbound } : { broken: outbound, whole: inbound }
      const [broken, whole] = [await sides.broken(), await sides.whole()]
      const isClosed = once(broken, 'close')
      server.setCuts([cut])
      await isClosed
      assert.equal(await echoes(whole), true)
      await assert.rejects(sides.broken(), { code: 'door.unreachable' })
      assert.equal(await echoes(await sides.whole()), true)
      server.setCuts([])
      assert.equal(await echoes(await sides.broken()), true)
    })
  }

  test('lets nobody in whose certificate has ended', async () => {
    const client = await open('host-2', 2_000)
    assert.equal(await echoes(await client.dial(to)), true)
    const isRefused = async () => {
      const socket = await client.dial(to).catch(() => null)
      return socket === null || !(await echoes(socket)) ? true : undefined
    }
    await waitFor('the refusal', isRefused, { withinMs: 10_000, everyMs: 100 })
  })

  test('ends what a revoked machine has open, lets it in no more, and goes to it no more', async () => {
    const revoked = await open('host-2')
    const other = await open('host-3')
    const [bad, good] = [await revoked.dial(to), await other.dial(to)]
    assert.deepEqual([await echoes(bad), await echoes(good)], [true, true])
    const ended = once(bad, 'close')
    server.refuse(['host-2'])
    await ended
    assert.equal(await echoes(good), true)
    const again = await revoked.dial(to).catch(() => null)
    assert.equal(again !== null && (await echoes(again)), false)
    const port = await revoked.listen({ address: '127.0.0.1', port: 0 })
    await assert.rejects(server.dial({ ...to, port }), { code: 'door.unreachable', message: /host-2 was revoked/ })
    server.refuse([])
    assert.equal(await echoes(await revoked.dial(to)), true)
  })
})
