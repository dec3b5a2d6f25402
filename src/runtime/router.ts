// Which part of the runtime answers a request: the epoch first, before any work, then the path.
import {
  EPOCH_HEADER,
  EPOCH_STALE,
  INTERNAL_HEADER,
  JOBS_PATH,
  PROBE_PATH,
  PUSH_PATH,
  REFUSED_HEADER,
  SERVICE_HEADER,
  TRUNCATE_PATH,
} from '../contract/protocols.ts'
import { Fault } from '../kit/fault.ts'
import type { Providers } from '../sign-in/providers.ts'
import { type Answer, emptyAnswer, methodNotAllowed, textAnswer } from './answer.ts'
import { answerApi } from './api-routes.ts'
import { answerOfError, notFound } from './app-faults.ts'
import { type AppRequest, refuseLargeBody, segmentsOf } from './app-request.ts'
import { requireKnownVersion } from './client-generation.ts'
import { answerDiagnostics } from './diagnostics.ts'
import { answerJobRuns, answerJobs } from './job-routes.ts'
import type { JobScheduler } from './job-scheduler.ts'
import type { Leases } from './leases.ts'
import { answerAuth, answerCrossDomain, answerLogin } from './login-routes.ts'
import { cameByHttps } from './own-url.ts'
import { answerProbe } from './probe.ts'
import { answerPush, answerPushReport } from './push-routes.ts'
import type { Scripts } from './scripts.ts'
import type { ServedService, Services } from './services.ts'
import { answerTables } from './table-routes.ts'
import { answerTruncate } from './truncate.ts'

const HTTPS_TEXT = 'This service is reached over HTTPS only.'

export type RouterDeps = {
  services: Services
  leases: Leases
  scripts: Scripts
  jobs: JobScheduler
  providers: Providers
  /** Of this runtime, as it says in its answers. */
  version: string
}

/** Answers an app's request; what it throws is for `answerOfError`. */
export async function answerApp(request: AppRequest, deps: RouterDeps): Promise<Answer> {
  const name = headerOf(request, SERVICE_HEADER)
  const service = deps.services.find(name, headerOf(request, EPOCH_HEADER))
  if (!service) return refuseStale(name)
  if (request.method === 'OPTIONS') return emptyAnswer(204)
  if (request.path === PROBE_PATH) return await answerProbe(request, service, deps.leases)
  if (request.path === JOBS_PATH) return await answerJobRuns(request, service)
  if (request.path === PUSH_PATH) return await answerPushReport(request, service)
  if (request.path === TRUNCATE_PATH) return await answerTruncate(request, service, deps.leases)
  return await answerRoute(request, service, deps)
}

async function answerRoute(request: AppRequest, service: ServedService, deps: RouterDeps): Promise<Answer> {
  const { leases, scripts, jobs, providers } = deps
  if (service.assignment.intake?.isHttpsRequired && !isSecure(request)) return textAnswer(403, HTTPS_TEXT)
  refuseLargeBody(request)
  const [first = '', ...rest] = segmentsOf(request.path)
  const word = first.toLowerCase()
  if (word === 'tables') {
    requireKnownVersion(request.headers, request.query)
    return await answerTables({ request, service, leases, scripts }, rest)
  }
  if (word === 'api') return await answerApi({ request, service, leases, scripts }, rest)
  if (word === 'jobs') return await answerJobs({ request, service, jobs }, rest)
  const login = { request, service, scripts, providers }
  if (word === 'login') return await answerLogin(login, rest)
  if (word === '.auth') return await answerAuth(login, rest)
  if (word === 'crossdomain') return answerCrossDomain(login, rest)
  if (word === 'push') {
    requireKnownVersion(request.headers, request.query)
    return await answerPush({ request, service, leases, scripts }, rest)
  }
  if (word === 'status' && rest.length === 0) {
    return request.method === 'GET' ? emptyAnswer(200) : methodNotAllowed('GET')
  }
  if (word === 'diagnostics' && rest.length === 0) return await answerDiagnostics(request, service, deps.version)
  throw notFound()
}

// What control asks comes over its own door.
function isSecure(request: AppRequest): boolean {
  return cameByHttps(request) || request.headers[INTERNAL_HEADER] === '1'
}

// Said before any work, so that the gateway may send the request again to where the service is now.
function refuseStale(name: string): Answer {
  const answer = answerOfError(
    new Fault('app.epoch_stale', 503, `The service '${name}' is not served here under this epoch.`),
  )
  return { ...answer, headers: { ...answer.headers, [REFUSED_HEADER]: EPOCH_STALE } }
}

function headerOf(request: AppRequest, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}
