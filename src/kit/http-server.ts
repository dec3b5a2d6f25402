// A Fastify application that renders faults as JSON, and a bug as an id whose stack is in the log.
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type FastifyInstance, fastify } from 'fastify'
import { Fault, faultBody } from './fault.ts'
import { MANAGEMENT_BODY_BYTES_MAX } from './limits.ts'
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

/** The same behind TLS, or in clear when there is no certificate. */
export function buildTlsApp(log: Log, tls: TlsFiles | null): HttpApp<Server | TlsServer> {
  const server = tls ? createTlsServer({ ...tls, minVersion: 'TLSv1.2' }) : createServer()
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
    // A wrong type is the caller's mistake, never ours to guess around; unknown fields are refused, not dropped.
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id)
  })
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
      done(null, JSON.parse(String(body)))
    } catch {
      done(new Fault('http.bad_json', 400, 'the body is not JSON'), undefined)
    }
  })
  return app
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
