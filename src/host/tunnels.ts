// Local sockets that lead to PostgreSQL servers behind other machines' doors, for standbys and for runtimes whose
// database stayed in another region.
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { MachineAddress } from '../contract/assignment.ts'
import { SQL_PROTOCOL } from '../contract/protocols.ts'
import { type Door, splice } from '../kit/door.ts'
import { makeOpenFolder } from '../kit/home-folder.ts'

type Tunnel = { server: Server; folder: string; to: MachineAddress; sockets: Set<Socket> }

export class Tunnels {
  readonly #door: Door
  readonly #socketFolder: string
  /** As promises: several services may want the same one at the same moment. */
  readonly #tunnels = new Map<string, Promise<Tunnel>>()

  constructor(door: Door, socketFolder: string) {
    this.#door = door
    this.#socketFolder = socketFolder
  }

  /** The folder whose PostgreSQL socket leads to `server` on the machine `to`; made when missing, pointed anew when it moved. */
  async ensure(server: string, to: MachineAddress): Promise<string> {
    const opening = this.#tunnels.get(server) ?? this.#open(server, to)
    this.#tunnels.set(server, opening)
    try {
      const tunnel = await opening
      tunnel.to = to
      return tunnel.folder
    } catch (error) {
      // To be tried again with the next assignment.
      if (this.#tunnels.get(server) === opening) this.#tunnels.delete(server)
      throw error
    }
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#tunnels.values())
    this.#tunnels.clear()
    for (const one of opened) {
      if (one.status === 'rejected') continue
      const { server, sockets } = one.value
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }

  async #open(server: string, to: MachineAddress): Promise<Tunnel> {
    const folder = await makeOpenFolder(join(this.#socketFolder, `to-${server}`))
    const path = join(folder, '.s.PGSQL.5432')
    await rm(path, { force: true })
    const tunnel: Tunnel = { server: createServer(), folder, to, sockets: new Set() }
    tunnel.server.on('connection', (socket) => this.#forward(socket, server, tunnel))
    await new Promise<void>((resolve, reject) => {
      tunnel.server.once('error', reject)
      tunnel.server.listen(path, resolve)
    })
    // PostgreSQL runs as another user; the password is what protects the server.
    await chmod(path, 0o777)
    return tunnel
  }

  #forward(socket: Socket, server: string, tunnel: Tunnel): void {
    tunnel.sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => tunnel.sockets.delete(socket))
    const { address, port, machine } = tunnel.to
    const to = { address, port, protocol: SQL_PROTOCOL, target: server, expectRole: 'host', expectName: machine }
    this.#door.dial(to).then(
      (remote) => splice(socket, remote),
      () => socket.destroy(),
    )
  }
}
