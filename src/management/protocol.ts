// The management protocol of the original as an HTTP application: who calls, whether they may, and the routes. It is
// a face of what the management API does: each of its routes calls the same functions.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Caller, type KnownCaller, requireRole } from '../accounts/caller.ts'
import type { Role } from '../contract/api.ts'
import type { ApiDeps } from '../control/compose.ts'
import { Fault, faultBody } from '../kit/fault.ts'
import { buildTlsApp, type HttpApp, type TlsFiles } from '../kit/http-server.ts'
import { PROTOCOL_RATE } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { authenticateTool, shownBy } from './caller.ts'
import { requirePlainPath } from './path.ts'
import { RateLimit } from './rate.ts'
import { Strangers } from './strangers.ts'
import { Waiters } from './waiters.ts'

/** In every answer; of those that begin something long, what the tool asks the outcome by. */
export const TOOL_REQUEST_ID_HEADER = 'x-ms-request-id'

/** What the routes of the protocol are given: all that those of the management API are, but no session. */
export type ProtocolDeps = Omit<ApiDeps, 'sessionOf'> & { waiters: Waiters }

/**
 * Routes below `/{sub}`, or below `/{sub}/services/mobileservices/mobileservices/{svc}`. A reader may GET, an operator may
 * change; `config: { role }` of a route says otherwise.
 */
export type ProtocolRoutes = FastifyPluginAsync<ProtocolDeps>

export type ProtocolOptions = {
  log: Log
  /** Null: in clear, on loopback only. */
  tls: TlsFiles | null
  /** Why nothing may be changed now, or null. */
  heldBy: () => Fault | null
  deps: Omit<ApiDeps, 'callerOf' | 'sessionOf'>
  /** Below the subscription. */
  subscriptionRoutes: ProtocolRoutes[]
  /** Below the service. */
  serviceRoutes: ProtocolRoutes[]
}

/** Where all mobile services of a subscription are, below it. */
export const MOBILE_SERVICES = '/services/mobileservices/mobileservices'

/** Builds it, ready to listen. */
export async function buildProtocol(options: ProtocolOptions): Promise<HttpApp> {
  const { log, deps } = options
  const built = buildTlsApp(log, options.tls, { isCertificateAsked: true })
  const { app, server } = built
  // The tools put a slash between an endpoint that ends with one and the subscription.
  server.prependListener('request', (request: IncomingMessage) => {
    request.url = request.url?.replace(/^\/{2,}/, '/')
  })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  addParsers(app)
  const callers = new WeakMap<FastifyRequest, KnownCaller>()
  const callerOf: ProtocolDeps['callerOf'] = (request) => {
    const caller = callers.get(request)
    if (!caller) throw new Fault('account.no_certificate', 403, 'this endpoint wants a client certificate, or a token')
    return caller
  }
  // Of the same life as its request: which operation it began, for the log.
  const begun = new WeakMap<Caller, string>()
  const started: ProtocolDeps['started'] = async (caller, operationId) => {
    begun.set(caller, operationId)
    return await deps.started(caller, operationId)
  }
  const [rate, strangers] = [new RateLimit(PROTOCOL_RATE), new Strangers()]
  app.addHook('onRequest', async (_request, reply) => {
    reply.header(TOOL_REQUEST_ID_HEADER, randomBytes(16).toString('hex'))
  })
  app.register(
    async (scope) => {
      scope.addHook('onRequest', async (request) => {
        requirePlainPath(request.raw.url ?? '/')
        const { sub = '' } = request.params as { sub?: string }
        const from = { address: String(request.raw.socket.remoteAddress), shown: shownBy(request.raw) }
        const caller = await strangers.admit(from, async () => await authenticateTool(deps.db, request.raw, sub))
        rate.take(`${caller.subscriptionId} ${caller.principal}`, Date.now())
        callers.set(request, caller)
        requireRole(caller, roleFor(request))
        const fault = request.method === 'GET' ? null : options.heldBy()
        if (fault) throw fault
      })
      scope.addHook('onResponse', async (request, reply) => {
        const hasFailed = reply.statusCode >= 500
        if (request.method === 'GET' && !hasFailed) return
        const { id: requestId, method, routeOptions } = request
        const caller = callers.get(request)
        const toolRequestId = reply.getHeader(TOOL_REQUEST_ID_HEADER)
        const about = { requestId, toolRequestId, principal: caller?.principal, method, route: routeOptions.url }
        const operation = caller && begun.get(caller)
        const told = { ...about, operation, status: reply.statusCode }
        log[hasFailed ? 'warn' : 'info'](told, 'a call of the management protocol')
      })
      addRefusals(scope, log)
      const given: ProtocolDeps = { ...deps, callerOf, started, waiters: new Waiters() }
      for (const routes of options.subscriptionRoutes) await scope.register(routes, given)
      for (const routes of options.serviceRoutes) {
        await scope.register(routes, { ...given, prefix: `${MOBILE_SERVICES}/:svc` })
      }
    },
    { prefix: '/:sub' },
  )
  await app.ready()
  return built
}

/** The service that a request names, as it was typed: names are compared in any case. */
export function serviceNameOf(request: FastifyRequest): string {
  return (request.params as { svc: string }).svc
}

/** Whether a request is of the older dialect, whose words differ in places. */
export function isOlderDialect({ headers }: FastifyRequest): boolean {
  const version = headers['x-ms-version']
  return typeof version === 'string' && version < '2014'
}

// Old tools say of scripts that they are plain text, and of some bodies nothing.
function addParsers(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  for (const type of ['text/plain', 'application/xml', '*']) {
    app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) => done(null, body))
  }
}

// What to do next stands behind the message: the old tools print nothing but that.
function addRefusals(scope: FastifyInstance, log: Log): void {
  scope.setErrorHandler((error, request, reply) => {
    const { status, body } = refusalOf(error, request, log)
    // Of these calls the tools print the body as it is.
    if (String(request.headers.accept ?? '').includes('application/xml')) {
      return reply.code(status).type('text/plain; charset=utf-8').send(body.message)
    }
    return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
  })
}

function refusalOf(error: unknown, request: FastifyRequest, log: Log) {
  if (error instanceof Fault) {
    const { hint, ...body } = faultBody(error)
    return { status: error.status, body: { ...body, message: withHint(body.message, hint) } }
  }
  const status = statusOf(error)
  if (status < 500 && error instanceof Error) return { status, body: { code: 'http.refused', message: error.message } }
  const { id, method, url } = request
  log.error({ requestId: id, method, url: url.split('?')[0], err: error }, 'a request failed')
  const message = `Something went wrong; it is logged under ${id}.`
  return { status: 500, body: { code: 'internal', message } }
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}. ${hint}`
}

// Fastify's own refusals (validation, body limit, media type) carry a status below 500.
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}

function roleFor({ method, routeOptions }: FastifyRequest): Role {
  return routeOptions.config.role ?? (method === 'GET' ? 'reader' : 'operator')
}
