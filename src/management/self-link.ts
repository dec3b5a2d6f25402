// Where a thing of a service is, as answers of the original's management protocol name it.
import type { FastifyRequest } from 'fastify'

/** The URL of something below the service that a request names, at the host that was asked. */
export function selfLink(request: FastifyRequest, ...segments: string[]): string {
  const { sub, svc } = request.params as { sub: string; svc: string }
  const path = [sub, 'services', 'mobileservices', 'mobileservices', svc, ...segments].map(encodeURIComponent)
  return `${request.protocol}://${request.host}/${path.join('/')}`
}
