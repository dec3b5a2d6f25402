// The way from this host to an external server: a local socket that leads to whichever of its hosts takes writes now.
// When that is another one, every connection to the old one is ended: a demoted primary keeps them open and "healthy".
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import type { DatabaseHost, ExternalEndpoint, ExternalHostFacts } from '../contract/external-server.ts'
import { PORT } from '../databases/cluster-config.ts'
import { placeOf } from '../databases/database-url.ts'
import { chooseWritable, ExternalHosts, hostFactsOf, type WritableHost } from '../databases/external-hosts.ts'
import { pause, waitFor } from '../kit/clock.ts'
import { splice } from '../kit/door.ts'
import { makeOpenFolder } from '../kit/home-folder.ts'
import { EXTERNAL_LOOK_EVERY_MS, EXTERNAL_SEEK_EVERY_MS, EXTERNAL_WAIT_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { dialPostgres } from './external-dial.ts'

export type ExternalLinkOptions = {
  server: string
  socketFolder: string
  endpoint: ExternalEndpoint
  log: Log
  /** Another host takes writes than before, or none does. */
  onChange: () => void
}

export class ExternalLink {
  readonly folder: string
  readonly endpoint: ExternalEndpoint
  readonly #options: ExternalLinkOptions
  readonly #hosts: ExternalHosts
  readonly #aborter = new AbortController()
  readonly #sockets = new Map<Socket, string>()
  #server: Server | null = null
  #writable: WritableHost | null = null
  #found: ExternalHostFacts[] = []
  #isCut = false
  #watching: Promise<void> | null = null

  constructor(options: ExternalLinkOptions) {
    this.#options = options
    this.endpoint = options.endpoint
    this.folder = join(options.socketFolder, `to-${options.server}`)
    this.#hosts = new ExternalHosts(options.endpoint)
  }

  /** Where writes go now, as `host:port`; null while nobody takes them. */
  get at(): string | null {
    return this.#writable && placeOf(this.#writable.at)
  }

  /** The same, told apart from what was there before a failover. */
  get primary(): string | null {
    return this.#writable && `${this.at} on timeline ${this.#writable.timeline}`
  }

  /** What each host was when it was asked last. */
  get hosts(): ExternalHostFacts[] {
    return this.#found
  }

  /** Listens, and begins to look for the host that takes writes. */
  async open(): Promise<void> {
    await makeOpenFolder(this.folder)
    const path = join(this.folder, `.s.PGSQL.${PORT}`)
    await rm(path, { force: true })
    const server = createServer((socket) => void this.#forward(socket))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    await chmod(path, 0o777)
    this.#watching = this.#watch(this.#aborter.signal)
  }

  /** An outage of the local cloud: this host reaches nothing outside, until it is taken back. */
  setCut(isCut: boolean): void {
    this.#isCut = isCut
    if (isCut) this.#use(null)
  }

  /** A connected client with the endpoint's own login, at the host that takes writes. The caller ends it. */
  async connect(options: pg.ClientConfig = {}): Promise<pg.Client> {
    const { user, password, database } = this.endpoint
    const client = new pg.Client({
      ...{ host: this.folder, port: PORT, user, password, database },
      connectionTimeoutMillis: 2 * EXTERNAL_WAIT_MS_MAX,
      application_name: 'mainstay host',
      ...options,
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async close(): Promise<void> {
    this.#aborter.abort()
    this.#use(null)
    await this.#hosts.close()
    await this.#watching
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()))
  }

  // In the middle of a failover more often: apps wait.
  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look()
      await pause(this.#writable === null ? EXTERNAL_SEEK_EVERY_MS : EXTERNAL_LOOK_EVERY_MS, signal)
    }
  }

  async #look(): Promise<void> {
    if (this.#isCut) return
    const found = await this.#hosts.ask()
    // Cut, or closed, while they were asked.
    if (this.#isCut || this.#aborter.signal.aborted) return
    this.#found = found.map(hostFactsOf)
    this.#use(chooseWritable(found))
  }

  #use(writable: WritableHost | null): void {
    const before = this.primary
    this.#writable = writable
    const { primary } = this
    for (const [socket, to] of this.#sockets) if (to !== primary) socket.destroy()
    if (before === primary) return
    this.#options.log.info({ server: this.#options.server, primary }, 'the external server takes writes here')
    this.#options.onChange()
  }

  async #forward(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy())
    try {
      const { at, primary } = await this.#findWritable()
      const remote = await dialPostgres(at, this.endpoint)
      // It may have been given up meanwhile, or whoever asked may have gone.
      if (this.primary !== primary || socket.destroyed) {
        remote.destroy()
        socket.destroy()
        return
      }
      this.#sockets.set(socket, primary)
      socket.once('close', () => this.#sockets.delete(socket))
      splice(socket, remote)
    } catch {
      socket.destroy()
    }
  }

  // In the middle of a failover it is worth a moment of waiting.
  async #findWritable(): Promise<{ at: DatabaseHost; primary: string }> {
    const find = async () => {
      const { primary } = this
      return primary === null || !this.#writable ? undefined : { at: this.#writable.at, primary }
    }
    return await waitFor('a host that takes writes', find, { withinMs: EXTERNAL_WAIT_MS_MAX, everyMs: 50 })
  }
}
