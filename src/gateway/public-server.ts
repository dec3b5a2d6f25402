// What a gateway answers on its public port.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Networks } from '../kit/networks.ts'
import { REQUEST_ID_HEADER, requestIdOf } from '../kit/request-id.ts'
import { isStatusPath } from '../status/answer.ts'
import type { DashboardCopy } from './dashboard-copy.ts'
import { answerJson, forward, type Outcome, type Refused } from './forward.ts'
import type { Holds } from './holds.ts'
import { authorityOf, challengeTokenOf, hstsOf, isSecure, redirectOf } from './https.ts'
import { refuse } from './refusal.ts'
import { findDestination } from './router.ts'
import type { Routes } from './routes.ts'
import type { RequestFacts, Traffic } from './traffic.ts'

export type Counts = { requests: number; failedRequests: number }

export type PublicDeps = {
  routes: Routes
  holds: Holds
  counts: Counts
  traffic: Traffic
  dashboard: DashboardCopy
  /** Whose word is believed about the protocol that a request came by. */
  proxies: Networks
  /** Where apps reach us by HTTPS; null: nowhere. */
  httpsPort: () => number | null
  /** True when this gateway's own probes have not reached a machine for long: no request should hang on it. */
  isLost: (machine: string) => boolean
}

const LOST_RETRY_SECONDS = 2
const HELD = { message: 'The service is being moved.', retryAfterSeconds: 1 }

/** Answers one request of an app. Whatever the answer is, it carries the request's id. */
export async function answerPublic(
  request: IncomingMessage,
  response: ServerResponse,
  deps: PublicDeps,
): Promise<void> {
  const requestId = requestIdOf(request.headers[REQUEST_ID_HEADER])
  response.setHeader(REQUEST_ID_HEADER, requestId)
  const url = request.url ?? '/'
  const authority = authorityOf(request)
  const token = challengeTokenOf(url)
  const challenge = token === null ? null : deps.routes.challengeAt(authority, token)
  if (challenge !== null) return answerText(response, challenge)
  const secure = isSecure(request, deps.proxies)
  const destination = findDestination(authority, url, deps.routes.serviceAt)
  // At the gateway's own name, whatever that is: a service of that name goes first.
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && isStatusPath(url) && !deps.routes.find(destination?.service ?? '')) {
    return answerDashboard(url, `${secure ? 'https' : 'http'}://${authority ?? ''}`, response, deps.dashboard)
  }
  if (!destination) {
    const isRoot = url === '/' || url.startsWith('/?')
    if (isRoot) return answerJson(response, 200, { mainstay: 'gateway', services: deps.routes.all.length })
    return answerJson(response, 404, { code: 404, error: 'Error: Not Found' })
  }
  const known = deps.routes.find(destination.service)
  if (!known) return answerUnknown(response, destination.service)
  deps.counts.requests += 1
  deps.traffic.begin(known.service, request, response)
  const location = redirectOf({ isSecure: secure, authority, url }, known, deps.httpsPort())
  if (location !== null) return answerRedirect(response, location)
  const hsts = hstsOf(secure, destination.prefix, known)
  if (hsts !== null) response.setHeader('strict-transport-security', hsts)
  const held = await deps.holds.wait(known.service, request, response)
  if (held === 'gone') return
  // Where it was moved to, if it was held.
  const route = deps.routes.find(destination.service)
  if (!route) return answerUnknown(response, destination.service)
  const facts = { requestId, service: route.service, machine: route.to.machine }
  if (held !== 'open') {
    deps.traffic.noteRefusal('held', facts)
    deps.counts.failedRequests += 1
    return refuse(request, response, { route, refused: HELD })
  }
  if (route.closed) {
    deps.traffic.noteRefusal('closed', facts)
    return refuse(request, response, { route, refused: route.closed })
  }
  if (deps.isLost(route.to.machine)) {
    deps.traffic.noteRefusal('lost', facts)
    const message = `The service's region ${route.to.region} cannot be reached at the moment.`
    return refuse(request, response, { route, refused: { message, retryAfterSeconds: LOST_RETRY_SECONDS } })
  }
  const pool = deps.routes.poolTo(route)
  const to = {
    ...{ route, destination, pool, requestId, isSecure: secure },
    refuse: (refused: Refused) => refuse(request, response, { route, refused }),
  }
  const outcome = await deps.traffic.track(route.service, async () => await forward(request, response, to))
  noteOutcome(outcome, facts, deps)
}

/** Counts how a request ended that was passed on. */
export function noteOutcome(outcome: Outcome, facts: RequestFacts, { counts, traffic }: PublicDeps): void {
  if (outcome.kind === 'failed' || outcome.kind === 'refused') counts.failedRequests += 1
  if (outcome.kind === 'refused') traffic.noteRefusal(outcome.why, facts, outcome.error)
}

// Not for ever: a browser that has kept it would be sent on after HTTPS was given up.
function answerRedirect(response: ServerResponse, location: string): void {
  response.writeHead(307, { location, 'cache-control': 'no-cache', 'content-length': 0 }).end()
}

function answerText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) }).end(text)
}

function answerDashboard(url: string, origin: string, response: ServerResponse, copy: DashboardCopy): void {
  const answer = copy.answer(url, origin)
  response.writeHead(answer.status, answer.headers).end(answer.body)
}

function answerUnknown(response: ServerResponse, service: string): void {
  answerJson(response, 404, { code: 404, error: `Error: There is no mobile service '${service}'.` })
}
