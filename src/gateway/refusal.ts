// What a gateway answers in the place of a service: 503, so that the pages of browsers see it as that.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Route } from '../contract/assignment.ts'
import { corsHeaders } from '../kit/cors.ts'
import { jsonAnswer, type OwnAnswer, type Refused } from './forward.ts'

/**
 * The 503 of a service that does not answer: JSON in the shape that the clients know, with a time to come back. A page
 * that the service lets call reads it, too; where its browser asks for leave first, it has that leave from us. Pure.
 */
export function refusalOf(
  { method, headers }: { method: string; headers: IncomingHttpHeaders },
  { origins = [] }: Pick<Route, 'origins'>,
  { message, retryAfterSeconds }: Refused,
): OwnAnswer {
  const cors = corsHeaders({ method, headers, exposed: 'Retry-After' }, origins)
  const isAsking = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
  if (isAsking && cors['access-control-allow-origin'] !== undefined) {
    // Not kept: what the service itself would say may be something else in a moment.
    return { status: 204, headers: { ...cors, 'access-control-max-age': '0', 'cache-control': 'no-cache' }, body: '' }
  }
  const about = { ...cors, 'retry-after': String(retryAfterSeconds) }
  return jsonAnswer(503, { code: 503, error: `Error: ${message}` }, about)
}

/** Answers a request with that. */
export function refuse(
  { method = 'GET', headers }: IncomingMessage,
  response: ServerResponse,
  { route, refused }: { route: Pick<Route, 'origins'>; refused: Refused },
): void {
  const answer = refusalOf({ method, headers }, route, refused)
  response.writeHead(answer.status, answer.headers).end(answer.body)
}
