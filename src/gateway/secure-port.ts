// The port for HTTPS: TLS 1.2 and 1.3, a certificate by the name that is asked for, HTTP/2 and HTTP/1.1. What comes by
// HTTP/1.1 is given to the server of the plain port, so that both have the same limits.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import type { Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { listenOn } from '../kit/door.ts'
import { APP_REQUEST_MS_MAX, HTTP2_HEADER_BYTES_MAX, HTTP2_STREAMS_MAX, TLS_HANDSHAKE_MS_MAX } from '../kit/limits.ts'
import { type CertificatePair, type ShownCertificates, TLS_VERSION_MIN } from './shown-certificates.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export class SecurePort {
  readonly #tls: TlsServer
  readonly #http2: Http2Server
  readonly #sockets = new Set<Socket>()

  /** `own`: shown to whoever asks for no name, or for one that has no certificate; without it such a one is refused. */
  constructor(options: {
    certificates: ShownCertificates
    own: CertificatePair | null
    plain: Server
    answer: Answer
  }) {
    const { certificates, own, plain, answer } = options
    const settings = { maxConcurrentStreams: HTTP2_STREAMS_MAX, maxHeaderListSize: HTTP2_HEADER_BYTES_MAX }
    this.#http2 = createHttp2Server({ settings })
    // Node's own layer gives a stream of HTTP/2 the face of a request of HTTP/1.1.
    this.#http2.on('request', (request, response) => {
      answer(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    })
    // What is under way ends first.
    this.#http2.on('session', (session) => session.setTimeout(2 * APP_REQUEST_MS_MAX, () => session.close()))
    this.#tls = createTlsServer(
      {
        ...own,
        // As the server of the plain port, which is given its connections.
        noDelay: true,
        minVersion: TLS_VERSION_MIN,
        ALPNProtocols: ['h2', 'http/1.1'],
        handshakeTimeout: TLS_HANDSHAKE_MS_MAX,
        SNICallback: (name, done) => done(null, certificates.contextFor(name) ?? undefined),
      },
      (socket) => (socket.alpnProtocol === 'h2' ? this.#http2 : plain).emit('connection', socket),
    )
    this.#tls.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#tls.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Starts to listen and returns the port. Faults as `listenOn`. */
  async listen(options: { address: string; port: number }): Promise<number> {
    return await listenOn(this.#tls, options)
  }

  /** Shows another certificate of the gateway's own from now on. What is open stays open. */
  useOwn(own: CertificatePair): void {
    this.#tls.setSecureContext({ ...own, minVersion: TLS_VERSION_MIN })
  }

  /** Stops listening and ends what is open. */
  close(): void {
    this.#tls.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
