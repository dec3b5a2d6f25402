// The management API as an HTTP application: who calls, may they now, and the routes.
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Accounts, Caller } from '../accounts/accounts.ts'
import { API, RELEASE_HEADER } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { buildTlsApp, type HttpApp, type TlsFiles } from '../kit/http-server.ts'
import type { Log } from '../kit/log.ts'
import type { Metrics } from '../kit/metrics.ts'
import { readRelease } from '../kit/release.ts'
import { backupRoutes } from './backup-routes.ts'
import { cloudRoutes } from './cloud-routes.ts'
import type { ApiDeps } from './compose.ts'
import { divergenceRoutes } from './divergence-routes.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { historyRoutes } from './history-routes.ts'
import { scriptRoutes } from './script-routes.ts'
import { serverRoutes } from './server-routes.ts'
import { serviceExportRoutes } from './service-export-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { tableRoutes } from './table-routes.ts'

export type ManagementOptions = {
  accounts: Accounts
  log: Log
  tls: TlsFiles | null
  metrics: Metrics
  /** Why nothing may be changed now, or null. */
  heldBy: () => Fault | null
  deps: Omit<ApiDeps, 'callerOf'>
}

const ROUTES = [
  serviceRoutes,
  backupRoutes,
  serverRoutes,
  divergenceRoutes,
  tableRoutes,
  serviceExportRoutes,
  scriptRoutes,
  cloudRoutes,
  fleetRoutes,
  historyRoutes,
]

/** Builds it, ready to listen. */
export async function buildManagementApi(options: ManagementOptions): Promise<HttpApp> {
  const { accounts, log, tls, metrics, heldBy, deps } = options
  const api = buildTlsApp(log, tls)
  // A wrong type in a body is the caller's mistake, never ours to guess around; unknown fields are refused, not dropped.
  // Only what stands in a URL is text by nature, and is converted.
  api.app.setValidatorCompiler(TypeBoxValidatorCompiler)
  // Answers are written as they are: the compiler checks them against their schemas, and a schema compiled for each
  // cost the first commands most of a second.
  api.app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  const release = readRelease()
  api.app.addHook('onRequest', async (_request, reply) => {
    reply.header(RELEASE_HEADER, release)
  })
  const callers = new WeakMap<FastifyRequest, Caller>()
  const callerOf = (request: FastifyRequest) => {
    const caller = callers.get(request)
    if (!caller) throw new Fault('account.no_token', 401, 'the management API wants a token')
    return caller
  }
  // Of the same life as its request: which operation it began, for the log.
  const begun = new WeakMap<Caller, string>()
  const started: ApiDeps['started'] = async (caller, operationId) => {
    begun.set(caller, operationId)
    return await deps.started(caller, operationId)
  }
  api.app.get(API.live, async () => ({ mainstay: 'control' }))
  api.app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      callers.set(request, await accounts.authenticate(request.headers.authorization))
      const fault = request.method === 'GET' ? null : heldBy()
      if (fault) throw fault
    })
    scope.addHook('onResponse', async (request, reply) => {
      const hasFailed = reply.statusCode >= 500
      if (request.method === 'GET' && !hasFailed) return
      const { id: requestId, method, routeOptions } = request
      const caller = callers.get(request)
      const operation = caller && begun.get(caller)
      const about = { requestId, principal: caller?.principal, method, route: routeOptions.url, operation }
      log[hasFailed ? 'warn' : 'info']({ ...about, status: reply.statusCode }, 'a call of the management API')
    })
    scope.get(API.metrics, async (_request, reply) => {
      const text = await metrics.read()
      return reply.type(metrics.contentType).send(text)
    })
    for (const routes of ROUTES) await scope.register(routes, { ...deps, callerOf, started })
  })
  await api.app.ready()
  return api
}
