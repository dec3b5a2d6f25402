// HTTP on the runtime's socket: time limit, common headers, the one place where errors become answers and log lines.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import { DEFAULT_INTAKE, type Intake } from '../contract/assignment.ts'
import { INTERNAL_HEADER, RUNTIME_HEALTH_PATH, SERVICE_HEADER } from '../contract/protocols.ts'
import { corsHeaders } from '../kit/cors.ts'
import { Fault } from '../kit/fault.ts'
import { APP_BODY_DISCARD_BYTES_MAX, RUNTIME_KEEP_ALIVE_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { OTHER, type RequestCounts } from '../kit/request-counts.ts'
import { REQUEST_ID_HEADER } from '../kit/request-id.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import { answerOfError, outcomeUnknown, TIMED_OUT_TEXT, timedOut } from './app-faults.ts'
import { type AppRequest, readRequest } from './app-request.ts'
import type { DatabaseHealth } from './health.ts'
import { answerApp, type RouterDeps } from './router.ts'

export type ServerDeps = RouterDeps & {
  name: string
  requestMs: number
  health: DatabaseHealth
  log: Log
  requests: RequestCounts
  draining: Draining
}

/** Set when the runtime is to stop: each answer then ends its connection. */
export type Draining = { isDraining: boolean }

/** The runtime's HTTP server, not listening yet. */
export function createAppServer(deps: ServerDeps): Server {
  // Our own time limit answers first; Node's only ends what never became a request.
  const options = { requestTimeout: 2 * deps.requestMs, keepAliveTimeout: RUNTIME_KEEP_ALIVE_MS }
  return createServer(options, (message, response) => {
    respond(message, response, deps).catch((error: unknown) => {
      // Before it had an id of ours, there is only its sender's to tell.
      const requestId = message.headers[REQUEST_ID_HEADER]
      deps.log.error({ requestId, err: error }, 'a request could not be answered')
      response.destroy()
    })
  })
}

async function respond(message: IncomingMessage, response: ServerResponse, deps: ServerDeps): Promise<void> {
  const { requestMs } = deps
  const intake = intakeOf(message, deps)
  const request = readRequest(message, { requestMs, bodyBytesMax: intake.bodyKb * 1_024 })
  const answer = await answerInTime(request, deps)
  const headers: Record<string, string | string[]> = {
    ...versionHeaders(request, deps),
    'cache-control': 'no-cache',
    ...corsHeaders({ ...request, exposed: request.clientGeneration === 2 ? 'Link,Etag' : null }, intake.origins),
    ...answer.headers,
  }
  if (answer.status !== 204 && answer.status !== 304) {
    headers['content-type'] ??= 'application/json'
    headers['content-length'] = String(Buffer.byteLength(answer.body))
  }
  const isDiscarded = await discardBody(message, request.work.deadline)
  if (!isDiscarded || deps.draining.isDraining) headers.connection = 'close'
  count(request, answer.status, deps)
  response.writeHead(answer.status, headers)
  response.end(answer.body)
}

// Of the service that was meant; for what nobody serves it does not matter.
function intakeOf(message: IncomingMessage, { services }: ServerDeps): Intake {
  const name = message.headers[SERVICE_HEADER]
  return (typeof name === 'string' ? services.named(name)?.assignment.intake : undefined) ?? DEFAULT_INTAKE
}

// What clients of each generation look at, or show in their logs.
function versionHeaders({ clientGeneration }: AppRequest, { version }: ServerDeps): Record<string, string> {
  if (clientGeneration === 2) return { 'x-zumo-server-version': `node-${version}` }
  return { 'x-zumo-version': version, 'x-zumo-server-version': `nodev1-${version}` }
}

// What the gateways' probes ask of the runtime itself is no request of an app.
function count(request: AppRequest, status: number, { requests, services }: ServerDeps): void {
  if (isHealthRequest(request)) return
  const name = request.headers[SERVICE_HEADER]
  requests.note(typeof name === 'string' && services.isServed(name) ? name : OTHER, status)
}

// A sender that is still writing when we hang up sees a broken connection, never our refusal. So what is left of a body
// of known and bearable length is read and thrown away. False when there is too much of it, or no time.
async function discardBody(message: IncomingMessage, deadline: number): Promise<boolean> {
  if (message.complete) return true
  const leftMs = deadline - performance.now()
  const bodyBytes = Number(message.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (bodyBytes > APP_BODY_DISCARD_BYTES_MAX || leftMs <= 0) return false
  message.resume()
  try {
    await finished(message, { signal: AbortSignal.timeout(Math.ceil(leftMs)) })
  } catch {
    // The sender went away or is too slow: nobody is there to be answered well.
    return false
  }
  return true
}

async function answerInTime(request: AppRequest, deps: ServerDeps): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => {
      const fault = request.work.isWriteInFlight ? outcomeUnknown(TIMED_OUT_TEXT) : timedOut()
      resolve(answerOfError(fault, request.clientGeneration))
    }, deps.requestMs)
  })
  try {
    return await Promise.race([answerAny(request, deps), limit])
  } finally {
    clearTimeout(timer)
  }
}

// Never throws: what comes too late for the time limit has nobody left to catch it.
async function answerAny(request: AppRequest, deps: ServerDeps): Promise<Answer> {
  try {
    if (isHealthRequest(request)) {
      return jsonAnswer(
        200,
        JSON.stringify(await deps.health.of(deps.name, deps.services.list(), deps.services.refused())),
      )
    }
    return await answerApp(request, deps)
  } catch (error) {
    logError(error, request, deps.log)
    return answerOfError(error, request.clientGeneration)
  }
}

function logError(error: unknown, request: AppRequest, log: Log): void {
  const about = {
    requestId: request.id,
    service: request.headers[SERVICE_HEADER],
    method: request.method,
    path: request.path,
  }
  if (!(error instanceof Fault)) log.error({ ...about, err: error }, 'a request failed')
  else if (error.status === 503) log.warn({ ...about, code: error.code, err: error.cause }, error.message)
}

// The gateway strips such headers from what clients send: only our own processes ask this.
function isHealthRequest(request: AppRequest): boolean {
  const isOurs = request.headers[INTERNAL_HEADER] === '1'
  return isOurs && request.method === 'GET' && request.path === RUNTIME_HEALTH_PATH
}
