// A Fastify application that renders faults as JSON, and a bug as an id whose stack is in the log.
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import { Fault, faultBody } from './fault.ts'
import { MANAGEMENT_BODY_BYTES_MAX, UNREAD_BODY_MS_MAX } from './limits.ts'
import type { Log } from './log.ts'
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts'

/** The application and the bare HTTP server below it; the caller makes one of them listen, or feeds it connections. */
export type HttpApp<S = Server> = { app: FastifyInstance; server: S }

/** A certificate and its key, PEM. */
export type TlsFiles = { cert: string; key: string }

/** Builds an application with our error rendering; routes are added by the caller, then `app.ready()`. */
export function buildHttpApp(log: Log): HttpApp {
  const server = createServer()
  return { app: buildApp(log, server), server }
}

/**
 * The same behind TLS, or in clear when there is no certificate. Where clients are asked for a certificate, it is for
 * the application to say which it takes. `requestMsMax`: for a whole request to come in, where Node's 300 s are too few.
 */
export function buildTlsApp(
  log: Log,
  tls: TlsFiles | null,
  { isCertificateAsked = false, requestMsMax }: { isCertificateAsked?: boolean; requestMsMax?: number } = {},
): HttpApp<Server | TlsServer> {
  const asked = isCertificateAsked ? { requestCert: true, rejectUnauthorized: false } : {}
  const server = tls ? createTlsServer({ ...tls, ...asked, minVersion: 'TLSv1.2' }) : createServer()
  // Said to Fastify it would be lost: it does not set it on a server that it did not make.
  if (requestMsMax !== undefined) server.requestTimeout = requestMsMax
  return { app: buildApp(log, server), server }
}

function buildApp(log: Log, server: Server | TlsServer): FastifyInstance {
  const app = fastify({
    bodyLimit: MANAGEMENT_BODY_BYTES_MAX,
    forceCloseConnections: true,
    genReqId: (request) => requestIdOf(request.headers[REQUEST_ID_HEADER]),
    serverFactory: (handler) => {
      server.on('request', handler)
      return server
    },
    clientErrorHandler: refuseUnread,
    // Found before a route was, so no error handler sees it: a path that cannot be decoded.
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const fault = toFault(error) ?? new Fault('http.refused', 400, error.message)
      reply.code(fault.status).send(faultBody(fault))
    },
  })
  // No text that we keep or look for can hold a zero byte: PostgreSQL has none.
  app.addHook('onRequest', async (request) => {
    if (/%00|\0/.test(request.url)) throw zeroByte()
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id)
  })
  app.addHook('onSend', async (request) => await readOn(request.raw))
  app.setErrorHandler((error, request, reply) => {
    const fault = toFault(error)
    if (fault) return reply.code(fault.status).send(faultBody(fault))
    const { id: requestId, method, url } = request
    log.error({ requestId, method, url, err: error }, 'a request failed')
    return reply.code(500).send({ code: 'internal', message: `Something went wrong; it is logged under ${requestId}.` })
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ code: 'http.no_route', message: `there is no ${request.method} ${request.url.split('?')[0]}` }),
  )
  // An empty body with a JSON content type is what simple clients send with DELETE and POST.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined)
    try {
      const text = String(body)
      const value: unknown = JSON.parse(text)
      // Looking is cheap, walking is not: most bodies have no such escape at all.
      if (text.includes('\\u0000') && hasZeroByte(value)) return done(zeroByte(), undefined)
      done(null, value)
    } catch {
      done(new Fault('http.bad_json', 400, 'the body is not JSON'), undefined)
    }
  })
  return app
}

// A refusal is ready before a large body has arrived whole. Ending the connection then resets it, and takes the answer
// along (RFC 9112, 9.6): what is still sent is read for a while, and dropped.
async function readOn(request: IncomingMessage): Promise<void> {
  if (request.complete) return
  request.resume()
  const signal = AbortSignal.timeout(UNREAD_BODY_MS_MAX)
  await finished(request, { signal, writable: false }).catch(() => {})
}

// What Node's parser refuses never becomes a request; it is told in the words of all other refusals.
function refuseUnread(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const reason = STATUS_CODES[status] ?? ''
  const body = JSON.stringify(faultBody(new Fault('http.refused', status, reason.toLowerCase())))
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  // The answer to HEAD has no body (RFC 9110, 9.3.2), as far as what was read shows that it was one.
  const read = Buffer.isBuffer(error.rawPacket) ? error.rawPacket : Buffer.alloc(0)
  const isHead = read.subarray(0, 5).toString('latin1') === 'HEAD '
  socket.end(`${head.join('\r\n')}\r\n\r\n${isHead ? '' : body}`)
}

function hasZeroByte(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, one]) => name.includes('\0') || hasZeroByte(one))
}

function zeroByte(): Fault {
  return new Fault('http.bad_request', 400, 'the request has a zero byte in a text')
}

function toFault(error: unknown): Fault | null {
  if (error instanceof Fault) return error
  if (!(error instanceof Error)) return null
  // Fastify's own refusals (validation, body limit, media type) carry a status below 500.
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status >= 500) return null
  const code = 'validation' in error ? 'http.bad_request' : 'http.refused'
  return new Fault(code, status, error.message)
}
