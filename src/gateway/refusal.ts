// What a gateway answers in the place of a service: 503, so that the pages of browsers see it as that.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Route } from '../contract/assignment.ts'
import { corsHeaders } from '../kit/cors.ts'
import { answerJson, type Refused } from './forward.ts'

/**
 * The 503 of a service that does not answer: JSON in the shape that the clients know, with a time to come back. A page
 * that the service lets call reads it, too; where its browser asks for leave first, it has that leave from us.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { origins = [] }: Pick<Route, 'origins'>,
  { message, retryAfterSeconds }: Refused,
): void {
  const { method = 'GET', headers } = request
  const cors = corsHeaders({ method, headers, exposed: 'Retry-After' }, origins)
  const isAsking = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
  if (isAsking && cors['access-control-allow-origin'] !== undefined) {
    // Not kept: what the service itself would say may be something else in a moment.
    response.writeHead(204, { ...cors, 'access-control-max-age': '0', 'cache-control': 'no-cache' }).end()
    return
  }
  const about = { ...cors, 'retry-after': String(retryAfterSeconds) }
  answerJson(response, 503, { code: 503, error: `Error: ${message}` }, about)
}
