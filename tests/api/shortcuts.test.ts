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
import { newSocketName, Shortcuts, tellShortcut } from '../../src/kit/shortcut.ts'
import { makeKey } from '../../src/machine/join.ts'

const THROUGH = 'test-through'
const SHORTCUT = 'test-shortcut'

describe('a shortcut', () => {
  let authority: Authority
  let folder: string
  let path: string
  let listening: Server
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
    tellShortcut(socket, told)
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
    assert.equal(await heard(await gateway.dial({ ...to, protocol: SHORTCUT })), '\n')
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
    assert.equal(dials, 64)
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
