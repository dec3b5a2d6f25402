// The one port of a machine: TLS 1.3 both ways, certificates of control's authority, and several protocols told apart by
// ALPN. What a connection is for is in its ALPN protocol, which one of them is meant is in its server name.
import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import { Fault, messageOf } from './fault.ts'
import { DIAL_MS_MAX } from './limits.ts'

/**
 * The authority that both sides trust, and this machine's key and certificate, all PEM. A machine that has yet to join has
 * the authority only: it can dial the protocols that are open to such, and nothing else.
 */
export type Credentials = { authority: string; key?: string; certificate?: string }

/** Who is on the other side, read from its certificate: name (CN), role (OU), failure domain (O). */
export type Peer = { name: string; role: string; domain: string }

/** Who opens a connection: others to this door, or this door to others. */
export type Direction = 'inbound' | 'outbound'

/** Takes over an accepted connection. `target` is the first label of the server name asked for. */
export type DoorHandler = (socket: TLSSocket, peer: Peer, target: string) => void

export type DialOptions = {
  address: string
  port: number
  protocol: string
  /** Which one of the things behind that protocol; a DNS label. */
  target: string
  /** The role that the other side's certificate must name. */
  expectRole: string
  /** The machine that the certificate must name; left out where only one machine has that role. */
  expectName?: string
  timeoutMs?: number
}

const SUFFIX = '.mainstay'
const TLS_VERSION_MIN = 'TLSv1.3'
const ANONYMOUS: Peer = { name: '', role: 'anonymous', domain: '' }

/**
 * A machine's door. `handlers` is keyed by ALPN protocol; `open` adds a protocol that a machine without a certificate may
 * speak (joining). While a direction is cut, what was opened in it breaks, and what is new gets no answer; both, and it
 * is as if the cable were pulled.
 */
export class Door {
  #handlers: Map<string, DoorHandler>
  #open: Set<string>
  #credentials: Credentials
  /** What dials show; made once of the credentials: that takes nearly as long as all else of a handshake. */
  #shown: SecureContext | null = null
  #tcp: Server | null = null
  #tls: TlsServer | null = null
  #sockets: Record<Direction, Set<Socket>> = { inbound: new Set(), outbound: new Set() }
  /** Who is on the other side of each open connection. */
  #names = new Map<Socket, string>()
  #refused = new Set<string>()
  #silenced = new Set<Socket>()
  #cuts = new Set<Direction>()

  constructor(credentials: Credentials, handlers: Record<string, DoorHandler> = {}, open: string[] = []) {
    this.#credentials = credentials
    this.#handlers = new Map(Object.entries(handlers))
    this.#open = new Set(open)
  }

  /** Starts to listen and returns the port. Port 0 picks a free one. Faults with `port.taken`. */
  async listen(options: { address: string; port: number }): Promise<number> {
    const tls = createTlsServer(
      {
        ...this.#tlsIdentity(),
        minVersion: TLS_VERSION_MIN,
        requestCert: true,
        // Anonymous peers are refused below, by protocol: joining has no certificate yet.
        rejectUnauthorized: false,
        ALPNProtocols: [...this.#handlers.keys()],
      },
      (socket) => this.#accept(socket),
    )
    tls.on('tlsClientError', (_error, socket) => socket.destroy())
    // Without waiting to fill a packet: the end of an answer would wait until its beginning was acknowledged.
    const tcp = createTcpServer({ noDelay: true }, (socket) => {
      this.#track(socket, 'inbound')
      if (this.#cuts.has('inbound')) this.#silence(socket)
      else tls.emit('connection', socket)
    })
    this.#tcp = tcp
    this.#tls = tls
    return await listenOn(tcp, options)
  }

  /** Shows another certificate from now on, to whoever connects and whomever we connect to. What is open stays open. */
  useCredentials(credentials: Credentials): void {
    this.#credentials = credentials
    this.#shown = null
    this.#tls?.setSecureContext({ ...this.#tlsIdentity(), minVersion: TLS_VERSION_MIN })
  }

  /** Takes the complete list of machines that are let neither in nor out; what is open to one of them is ended. */
  refuse(names: string[]): void {
    this.#refused = new Set(names)
    for (const [socket, name] of this.#names) if (this.#refused.has(name)) socket.destroy()
  }

  /** Opens a connection to another machine's door. Faults with `door.unreachable` or `door.refused`. */
  async dial(options: DialOptions): Promise<TLSSocket> {
    this.#shown ??= createSecureContext({ ...this.#tlsIdentity(), minVersion: TLS_VERSION_MIN })
    return await this.#connect(options, this.#shown)
  }

  /** Breaks what is open in these directions and leaves everything new in them without an answer; the others heal. */
  setCuts(directions: Direction[]): void {
    this.#cuts = new Set(directions)
    for (const direction of directions) for (const socket of this.#sockets[direction]) socket.destroy()
    if (this.#cuts.has('inbound')) return
    for (const socket of this.#silenced) socket.destroy()
    this.#silenced.clear()
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    for (const socket of [...this.#sockets.inbound, ...this.#sockets.outbound]) socket.destroy()
    const tcp = this.#tcp
    this.#tcp = null
    if (tcp) await new Promise<void>((resolve) => tcp.close(() => resolve()))
  }

  #tlsIdentity(): { key?: string; cert?: string; ca: string } {
    const { key, certificate, authority } = this.#credentials
    return { ca: authority, ...(key && certificate ? { key, cert: certificate } : {}) }
  }

  #accept(socket: TLSSocket): void {
    socket.on('error', () => socket.destroy())
    const protocol = socket.alpnProtocol || ''
    const handler = this.#handlers.get(protocol)
    const isKnown = socket.authorized
    if (!handler || !(isKnown || this.#open.has(protocol))) {
      socket.destroy()
      return
    }
    const peer = isKnown ? peerOf(socket) : ANONYMOUS
    if (this.#refused.has(peer.name)) {
      socket.destroy()
      return
    }
    this.#remember(socket, peer.name)
    const name = typeof socket.servername === 'string' ? socket.servername : ''
    handler(socket, peer, name.split('.')[0] ?? '')
  }

  async #connect(options: DialOptions, secureContext: SecureContext): Promise<TLSSocket> {
    const timeoutMs = options.timeoutMs ?? DIAL_MS_MAX
    if (this.#cuts.has('outbound')) return await unanswered(options, timeoutMs)
    const raw = connectTcp({ host: options.address, port: options.port, noDelay: true })
    this.#track(raw, 'outbound')
    return await new Promise<TLSSocket>((resolve, reject) => {
      const fail = (error: unknown) => {
        clearTimeout(timer)
        raw.destroy()
        reject(unreachable(options, messageOf(error)))
      }
      const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      raw.once('error', fail)
      const secure = connectTls({
        secureContext,
        socket: raw,
        servername: `${options.target}${SUFFIX}`,
        ALPNProtocols: [options.protocol],
        // The name in the certificate is a machine's, not a host's. A port that was used again is somebody else.
        checkServerIdentity: (_host, { subject }) => {
          const isExpected = options.expectName === undefined || subject.CN === options.expectName
          if (this.#refused.has(text(subject.CN))) return new Error(`${text(subject.CN)} was revoked`)
          if (subject.OU === options.expectRole && isExpected) return undefined
          return new Error(`it is ${subject.OU} ${subject.CN}, not ${options.expectRole} ${options.expectName ?? ''}`)
        },
      })
      secure.once('error', fail)
      secure.once('close', () => fail(new Error('closed during the handshake')))
      secure.once('secureConnect', () => {
        clearTimeout(timer)
        secure.removeAllListeners('close')
        secure.removeListener('error', fail)
        secure.on('error', () => secure.destroy())
        if (secure.alpnProtocol === options.protocol) {
          this.#remember(secure, peerOf(secure).name)
          resolve(secure)
        } else fail(new Error(`it does not speak ${options.protocol}`))
      })
    })
  }

  #track(socket: Socket, direction: Direction): void {
    this.#sockets[direction].add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets[direction].delete(socket))
  }

  #remember(socket: TLSSocket, name: string): void {
    this.#names.set(socket, name)
    socket.once('close', () => this.#names.delete(socket))
  }

  #silence(socket: Socket): void {
    this.#silenced.add(socket)
    socket.once('close', () => this.#silenced.delete(socket))
  }
}

/** Joins two connections until either ends. */
export function splice(left: Socket, right: Socket): void {
  left.pipe(right)
  right.pipe(left)
  for (const [one, other] of [[left, right] as const, [right, left] as const]) {
    one.on('error', () => other.destroy())
    one.once('close', () => other.destroy())
  }
}

/** Joins a connection to a local unix socket; the connection ends when the socket cannot be reached. */
export function spliceToPath(socket: Socket, path: string): void {
  splice(socket, connectTcp({ path }))
}

/** Listens, or faults with `port.taken` / `port.forbidden`. Returns the port. */
export async function listenOn(server: Server, options: { address: string; port: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, options)))
    server.listen({ host: options.address, port: options.port }, () => resolve())
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : options.port
}

/** What to tell a person whose port cannot be had. */
export function listenFault(error: NodeJS.ErrnoException, options: { address: string; port: number }): Fault {
  if (error.code === 'EADDRINUSE') {
    return new Fault('port.taken', 500, `port ${options.port} on ${options.address} is taken by another program`, {
      hint: 'Stop that program, or choose another port (see --help).',
      cause: error,
    })
  }
  return new Fault('port.forbidden', 500, `cannot listen on ${options.address}:${options.port}: ${error.message}`, {
    cause: error,
  })
}

function peerOf(socket: TLSSocket): Peer {
  const subject = socket.getPeerCertificate().subject
  return { name: text(subject.CN), role: text(subject.OU), domain: text(subject.O) }
}

function text(value: string | string[] | undefined): string {
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
}

function unreachable(options: DialOptions, reason: string): Fault {
  return new Fault('door.unreachable', 503, `${options.expectRole} at ${options.address}:${options.port}: ${reason}`)
}

async function unanswered(options: DialOptions, timeoutMs: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, timeoutMs))
  throw unreachable(options, `no answer within ${timeoutMs} ms`)
}
