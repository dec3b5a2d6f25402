// Ways past a door for a process on the same machine: taken where they are allowed, and gone with the door.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, symlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Authority, issueCertificate, makeAuthority } from '../../src/accounts/authority.ts'
import { type DialOptions, Door, type DoorHandler } from '../../src/kit/door.ts'
import { removeTree } from '../../src/kit/files.ts'
import { Shortcuts } from '../../src/kit/shortcut.ts'
import { newSocketName, tellShortcuts } from '../../src/kit/shortcut-hold.ts'
import { makeKey } from '../../src/machine/join.ts'

const THROUGH = 'test-through'
const SHORTCUT = 'test-shortcut'

describe('a shortcut', () => {
  let authority: Authority
  let folder: string
  let path: string
  let listening: Server
  /** How often the door was dialled for shortcuts. */
  let asked = 0
  let told: string | null
  const doors: Door[] = []

  const open = async (name: string, handlers: Record<string, DoorHandler> = {}) => {
    const { key, publicKey } = makeKey()
    const subject = { name, role: 'host', domain: 'West US' }
    const certificate = await issueCertificate(authority, subject, { publicKey, lifeMs: 60_000 })
    const door = new Door({ authority: authority.certificate, key, certificate }, handlers)
    doors.push(door)
    return door
  }
  const through: DoorHandler = (socket) => socket.end('through the door')
  const shortcut: DoorHandler = (socket) => {
    asked += 1
    tellShortcuts(socket, () => told)
  }
  const listen = async (door: Door, address = '127.0.0.1'): Promise<DialOptions> => {
    const port = await door.listen({ address, port: 0 })
    return { address, port, protocol: THROUGH, target: 'shared', expectRole: 'host', timeoutMs: 5_000 }
  }
  const heard = async (socket: Socket) => String((await once(socket, 'data'))[0])

  before(async () => {
    authority = await makeAuthority()
    folder = await mkdtemp(join(tmpdir(), 'shortcut-'))
    path = join(folder, newSocketName())
    listening = createServer((socket) => socket.on('error', () => socket.destroy()).write('past the door'))
    await new Promise<void>((resolve) => listening.listen(path, () => resolve()))
  })
  beforeEach(() => {
    asked = 0
    told = path
  })
  afterEach(async () => await Promise.all(doors.splice(0).map(async (door) => await door.close())))
  after(async () => {
    listening.close()
    await removeTree(folder)
  })

  test('leads past the door', async () => {
    const to = await listen(await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut }))
    const socket = await new Shortcuts(await open('gateway-1'), SHORTCUT).dial(to)
    assert.equal(await heard(socket), 'past the door')
    socket.destroy()
  })

  test('is told as often as it is asked for, by one connection that ends with the last', async (t) => {
    const other = join(folder, newSocketName())
    const second = createServer((socket) => socket.on('error', () => socket.destroy()).write('the other one'))
    t.after(() => second.close())
    await new Promise<void>((resolve) => second.listen(other, () => resolve()))
    let held = 0
    const turns = [path, other]
    const inTurns: DoorHandler = (socket) => {
      asked += 1
      held += 1
      socket.once('close', () => {
        held -= 1
      })
      tellShortcuts(socket, () => {
        turns.reverse()
        return turns[0] ?? null
      })
    }
    const to = await listen(await open('host-1', { [SHORTCUT]: inTurns }))
    const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
    const sockets = await Promise.all(Array.from({ length: 64 }, async () => await shortcuts.dial(to)))
    const words = await Promise.all(sockets.map(heard))
    assert.equal(words.filter((word) => word === 'past the door').length, 32)
    assert.deepEqual([asked, held], [1, 1])
    for (const socket of sockets.slice(1)) socket.destroy()
    assert.match(await heard(await shortcuts.dial(to)), /past the door|the other one/)
    assert.deepEqual([asked, held], [1, 1])
  })

  test('is held no longer than it is used', async () => {
    const ended = Promise.withResolvers<void>()
    const told: DoorHandler = (socket) => {
      asked += 1
      socket.once('close', () => ended.resolve())
      tellShortcuts(socket, () => path)
    }
    const to = await listen(await open('host-1', { [SHORTCUT]: told }))
    const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
    const both = [await shortcuts.dial(to), await shortcuts.dial(to)]
    for (const socket of both) socket.destroy()
    await ended.promise
    assert.equal(await heard(await shortcuts.dial(to)), 'past the door')
    assert.equal(asked, 2)
  })

  const ends: [string, (host: Door, gateway: Door) => unknown][] = [
    ['is cut', (host) => host.setCuts(['inbound'])],
    ['is cut on its own side', (_, gateway) => gateway.setCuts(['outbound'])],
    ['refuses its machine', (host) => host.refuse(['gateway-1'])],
    ['is of a machine that is refused', (_, gateway) => gateway.refuse(['host-1'])],
    ['closes', async (host) => await host.close()],
  ]
  for (const [what, end] of ends) {
    test(`ends when the door ${what}`, async () => {
      const host = await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut })
      const gateway = await open('gateway-1')
      const socket = await new Shortcuts(gateway, SHORTCUT).dial(await listen(host))
      assert.equal(await heard(socket), 'past the door')
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(10_000) })
      await end(host, gateway)
      await closed
    })
  }

  test('is not asked for where the door is too old to have one, nor again soon', async () => {
    const host = await open('host-1', { [THROUGH]: through })
    const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
    const to = await listen(host)
    assert.equal(await heard(await shortcuts.dial(to)), 'through the door')
    assert.equal(await heard(await shortcuts.dial(to)), 'through the door')
  })

  test('is not there while nothing listens, and is asked for again', async () => {
    const to = await listen(await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut }))
    const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
    told = null
    assert.equal(await heard(await shortcuts.dial(to)), 'through the door')
    told = path
    const socket = await shortcuts.dial(to)
    assert.equal(await heard(socket), 'past the door')
    socket.destroy()
    // Nobody held the first one any more.
    assert.equal(asked, 2)
  })

  test('is not taken to what is no such socket, and not asked for again soon', async (t) => {
    const link = join(folder, 'ffff0000.sock')
    await symlink(path, link)
    const other = createServer((socket) => socket.end('another one'))
    t.after(() => other.close())
    await new Promise<void>((resolve) => other.listen(join(folder, 'docker.sock'), () => resolve()))
    const gone = join(folder, 'ffffffff.sock')
    for (const wrong of [link, gone, join(folder, 'docker.sock'), folder, '/0000ffff.sock/..', 'x'.repeat(5_000)]) {
      told = wrong
      asked = 0
      const to = await listen(await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut }))
      const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
      assert.equal(await heard(await shortcuts.dial(to)), 'through the door', wrong.slice(0, 80))
      assert.equal(await heard(await shortcuts.dial(to)), 'through the door')
      assert.equal(asked, 1)
    }
  })

  test('is told on the same machine only', async () => {
    // From 127.0.0.1, as from another machine.
    const to = await listen(await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut }), '127.0.0.2')
    const gateway = await open('gateway-1')
    const asking = await gateway.dial({ ...to, protocol: SHORTCUT })
    asking.write('\n')
    assert.equal(await heard(asking), '-\n')
    assert.equal(await heard(await new Shortcuts(gateway, SHORTCUT).dial(to)), 'through the door')
    assert.equal(asked, 1)
  })

  test('is given up with a door that does not answer, without a second wait', async () => {
    const host = await open('host-1', { [THROUGH]: through, [SHORTCUT]: shortcut })
    const to = { ...(await listen(host)), timeoutMs: 300 }
    host.setCuts(['inbound'])
    const gateway = await open('gateway-1')
    let dials = 0
    const counted = {
      dial: async (one: DialOptions) => {
        dials += 1
        return await gateway.dial(one)
      },
    }
    const shortcuts = new Shortcuts(counted, SHORTCUT)
    const all = Array.from({ length: 64 }, async () => {
      await assert.rejects(shortcuts.dial(to), { code: 'door.unreachable' })
    })
    await Promise.all(all)
    assert.equal(dials, 1)
  })

  test('is given up with a door that opens and then says nothing', async () => {
    const silent: DoorHandler = () => {
      asked += 1
    }
    const to = await listen(await open('host-1', { [THROUGH]: through, [SHORTCUT]: silent }))
    const shortcuts = new Shortcuts(await open('gateway-1'), SHORTCUT)
    await assert.rejects(shortcuts.dial({ ...to, timeoutMs: 300 }), { code: 'door.unreachable' })
    assert.equal(asked, 1)
  })
})
