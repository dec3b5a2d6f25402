// The management API as an HTTP application: who calls, may they now, and the routes.
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type Caller, requireRole } from '../accounts/caller.ts'
import type { Role } from '../contract/api.ts'
import { API, RELEASE_HEADER } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { buildTlsApp, type HttpApp, type TlsFiles } from '../kit/http-server.ts'
import { SOURCE_REQUEST_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { Metrics } from '../kit/metrics.ts'
import { readRelease } from '../kit/release.ts'
import { accountRoutes } from './account-routes.ts'
import { acmeRoutes } from './acme-routes.ts'
import { appSettingRoutes } from './app-setting-routes.ts'
import { authProviderRoutes } from './auth-provider-routes.ts'
import { authenticate } from './authentication.ts'
import { backupRoutes } from './backup-routes.ts'
import { cloudRoutes } from './cloud-routes.ts'
import type { ApiDeps } from './compose.ts'
import { customApiRoutes } from './custom-api-routes.ts'
import { addPublicDashboard, dashboardRoutes } from './dashboard-routes.ts'
import { divergenceRoutes } from './divergence-routes.ts'
import { domainRoutes } from './domain-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { gitRoutes } from './git-routes.ts'
import { historyRoutes } from './history-routes.ts'
import { noticeRoutes } from './notice-routes.ts'
import { describeApi, watchRoutes } from './openapi.ts'
import { addPortal } from './portal-files.ts'
import { pushRoutes } from './push-routes.ts'
import { scheduledJobRoutes } from './scheduled-job-routes.ts'
import { scriptRoutes } from './script-routes.ts'
import { serverRoutes } from './server-routes.ts'
import type { ServiceDashboard } from './service-dashboard.ts'
import { serviceExportRoutes } from './service-export-routes.ts'
import { serviceLogRoutes } from './service-log-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { sourceRoutes } from './source-routes.ts'
import { tableRoutes } from './table-routes.ts'
import { toolRoutes } from './tool-routes.ts'
import { usageRoutes } from './usage-routes.ts'

export type ManagementOptions = {
  log: Log
  tls: TlsFiles | null
  metrics: Metrics
  dashboard: ServiceDashboard
  /** Why nothing may be changed now, or null. */
  heldBy: () => Fault | null
  deps: Omit<ApiDeps, 'callerOf' | 'sessionOf'>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may; default: a reader may look, an operator may change. */
    role?: Role
  }
}

const ROUTES = [
  accountRoutes,
  toolRoutes,
  acmeRoutes,
  eventRoutes,
  serviceRoutes,
  backupRoutes,
  serverRoutes,
  divergenceRoutes,
  tableRoutes,
  serviceExportRoutes,
  scriptRoutes,
  sourceRoutes,
  customApiRoutes,
  appSettingRoutes,
  authProviderRoutes,
  domainRoutes,
  serviceLogRoutes,
  scheduledJobRoutes,
  pushRoutes,
  cloudRoutes,
  fleetRoutes,
  historyRoutes,
  usageRoutes,
  dashboardRoutes,
  noticeRoutes,
]

/** Builds it, ready to listen. */
export async function buildManagementApi(options: ManagementOptions): Promise<HttpApp> {
  const { log, tls, metrics, heldBy, deps } = options
  // A push of git may be long; heads of requests come in as soon as elsewhere.
  const api = buildTlsApp(log, tls, { requestMsMax: SOURCE_REQUEST_MS_MAX })
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
  const senders = new WeakMap<FastifyRequest, Awaited<ReturnType<typeof authenticate>>>()
  const senderOf = (request: FastifyRequest) => {
    const sender = senders.get(request)
    if (!sender) throw new Fault('account.no_token', 401, 'the management API wants a token')
    return sender
  }
  const callerOf: ApiDeps['callerOf'] = (request) => senderOf(request).caller
  const sessionOf: ApiDeps['sessionOf'] = (request) => senderOf(request).session
  // Of the same life as its request: which operation it began, for the log.
  const begun = new WeakMap<Caller, string>()
  const started: ApiDeps['started'] = async (caller, operationId) => {
    begun.set(caller, operationId)
    return await deps.started(caller, operationId)
  }
  await watchRoutes(api.app)
  api.app.get(API.live, async () => ({ mainstay: 'control' }))
  addPublicDashboard(api.app, options.dashboard)
  addPortal(api.app, deps.portal)
  await api.app.register(signInRoutes, deps)
  await api.app.register(gitRoutes, { ...deps, heldBy, log, started })
  api.app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      senders.set(request, await authenticate(deps, request))
      const fault = request.method === 'GET' ? null : heldBy()
      if (fault) throw fault
    })
    // Not before the body was read: it may ask for a dry run.
    scope.addHook('preHandler', async (request) => requireRole(callerOf(request), roleFor(request)))
    scope.addHook('onResponse', async (request, reply) => {
      const hasFailed = reply.statusCode >= 500
      if (request.method === 'GET' && !hasFailed) return
      const { id: requestId, method, routeOptions } = request
      const caller = senders.get(request)?.caller
      const operation = caller && begun.get(caller)
      const about = { requestId, principal: caller?.principal, method, route: routeOptions.url, operation }
      log[hasFailed ? 'warn' : 'info']({ ...about, status: reply.statusCode }, 'a call of the management API')
    })
    scope.get(API.metrics, async (_request, reply) => {
      const text = await metrics.read()
      return reply.type(metrics.contentType).send(text)
    })
    const describe = describeApi(api.app)
    scope.get(API.openapi, async (_request, reply) => reply.type('application/json').send(describe()))
    for (const routes of ROUTES) await scope.register(routes, { ...deps, callerOf, sessionOf, started })
  })
  await api.app.ready()
  return api
}

// What would be done may be seen by whoever may see how things are; but only where the route itself knows a dry run:
// elsewhere the word alone would let a reader change things.
function roleFor({ method, body, query, routeOptions }: FastifyRequest): Role {
  const { config, schema } = routeOptions
  const isDry = isDryRun(body, schema?.body) || isDryRun(query, schema?.querystring)
  return config.role ?? (method === 'GET' || isDry ? 'reader' : 'operator')
}

function isDryRun(given: unknown, schema: unknown): boolean {
  const knows = (schema as { properties?: object } | undefined)?.properties
  if (knows === undefined || !('isDryRun' in knows)) return false
  return typeof given === 'object' && given !== null && 'isDryRun' in given && given.isDryRun === true
}
