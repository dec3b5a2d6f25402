// Where a thing is, as answers of the original's management protocol name it: at the endpoint that tools are told to call.
import type { FastifyRequest } from 'fastify'
import type { ApiDeps } from '../control/compose.ts'
import { MOBILE_SERVICES } from './protocol.ts'

type Deps = Pick<ApiDeps, 'toolEndpoint'>

/** The URL of the subscription, as this caller names it. */
export function subscriptionLink(deps: Deps, request: FastifyRequest): string {
  const { sub } = request.params as { sub: string }
  return `${deps.toolEndpoint()?.url ?? ''}/${encodeURIComponent(sub)}`
}

/** The URL of all its mobile services. */
export function servicesLink(deps: Deps, request: FastifyRequest): string {
  return `${subscriptionLink(deps, request)}${MOBILE_SERVICES}`
}

/** The URL of something below the service that a request names. */
export function selfLink(deps: Deps, request: FastifyRequest, ...segments: string[]): string {
  const { svc } = request.params as { svc: string }
  return [servicesLink(deps, request), ...[svc, ...segments].map(encodeURIComponent)].join('/')
}
