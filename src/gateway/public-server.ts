// What a gateway answers on its public port.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson, answerUnavailable, forward } from './forward.ts'
import { findDestination } from './router.ts'
import type { Routes } from './routes.ts'

export type Counts = { requests: number; failedRequests: number }

export type PublicDeps = {
  routes: Routes
  counts: Counts
  /** True when this gateway's own probes have not reached a machine for long: no request should hang on it. */
  isLost: (machine: string) => boolean
}

const LOST_RETRY_SECONDS = 2

/** Answers one request of an app. */
export async function answerPublic(
  request: IncomingMessage,
  response: ServerResponse,
  deps: PublicDeps,
): Promise<void> {
  const url = request.url ?? '/'
  const destination = findDestination(request.headers.host, url)
  if (!destination) {
    const isRoot = url === '/' || url.startsWith('/?')
    if (isRoot) return answerJson(response, 200, { mainstay: 'gateway', services: deps.routes.all.length })
    return answerJson(response, 404, { code: 404, error: 'Error: Not Found' })
  }
  const route = deps.routes.find(destination.service)
  if (!route) {
    return answerJson(response, 404, {
      code: 404,
      error: `Error: There is no mobile service '${destination.service}'.`,
    })
  }
  deps.counts.requests += 1
  if (route.closed) return answerUnavailable(response, route.closed.message, route.closed.retryAfterSeconds)
  if (deps.isLost(route.to.machine)) {
    const message = `The service's region ${route.to.region} cannot be reached at the moment.`
    return answerUnavailable(response, message, LOST_RETRY_SECONDS)
  }
  const to = { route, destination, pool: deps.routes.poolTo(route) }
  if ((await forward(request, response, to)) === 'failed') deps.counts.failedRequests += 1
}
