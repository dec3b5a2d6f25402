// Passes a request on to the runtime of its service and the answer back, without looking into either body.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Stream } from 'node:http2'
import type { Dispatcher, Pool } from 'undici'
import { GATEWAY_ANSWER_MS_MAX, GATEWAY_QUEUE_MAX } from '../kit/limits.ts'
import { whenClosed } from './closing.ts'
import { answerHeaders, type Forwarded, forwardedHeaders } from './forwarded-headers.ts'
import type { Destination } from './router.ts'
import type { Refusal } from './traffic.ts'

const UNKNOWN_TEXT = 'The connection to the service broke; whether the change was made is not known.'
const UNREACHABLE_TEXT = 'The service cannot be reached at the moment.'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Requests of all pools that have no connection yet: at least as many as wait in any one of them. Asking a pool itself
 * goes through all its connections, which is too much for each request.
 */
let waiting = 0

/** How a request ended. `failed`: the service said so; `refused`: we did, or broke off. */
export type Outcome = { kind: 'answered' | 'failed' | 'aborted' } | { kind: 'refused'; why: Refusal; error?: unknown }

type Forwarding = Forwarded & {
  pool: Pool
  /** Answers in the place of the service. */
  refuse: (refused: Refused) => void
}
/** Why, and when to come back. */
export type Refused = { message: string; retryAfterSeconds: number }

export const TOO_MANY: Refused = { message: 'Too many requests wait for the service.', retryAfterSeconds: 1 }

/** What is said when the connection to the service broke before its answer began, or never came about. */
export function refusedAfter(method: string, { wasSent }: { wasSent: boolean }): Refused {
  const isUnknown = wasSent && !SAFE_METHODS.has(method)
  return { message: isUnknown ? UNKNOWN_TEXT : UNREACHABLE_TEXT, retryAfterSeconds: 1 }
}

/** Forwards one request; every failure is answered in JSON with Retry-After, at once. */
export async function forward(request: IncomingMessage, response: ServerResponse, to: Forwarding): Promise<Outcome> {
  const { pool, destination } = to
  if (waiting > GATEWAY_QUEUE_MAX && (pool.stats.queued ?? 0) > GATEWAY_QUEUE_MAX) {
    to.refuse(TOO_MANY)
    return { kind: 'refused', why: 'full' }
  }
  const method = request.method ?? 'GET'
  return await new Promise<Outcome>((resolve) => {
    const passage = new Passage(response, destination, { request, refuse: to.refuse, onEnd: resolve })
    const limits = { headersTimeout: GATEWAY_ANSWER_MS_MAX, bodyTimeout: GATEWAY_ANSWER_MS_MAX }
    const body = hasBody(request) ? request : null
    const asked = { headers: request.headers, remoteAddress: request.socket?.remoteAddress }
    const headers = forwardedHeaders(asked, to)
    pool.dispatch({ method: method as 'GET', path: destination.path, headers, body, ...limits }, passage)
  })
}

// One request on its way: what comes back goes into the answer as it comes, without a stream in between.
class Passage implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  readonly #destination: Destination
  readonly #method: string
  readonly #refuse: Forwarding['refuse']
  readonly #onEnd: (outcome: Outcome) => void
  readonly #timer: NodeJS.Timeout
  readonly #stopWatching: () => void
  #controller: Dispatcher.DispatchController | null = null
  #isWaiting = true
  #status = 0
  /** How it ended, whatever the connection says afterwards. */
  #outcome: Outcome | null = null

  constructor(
    response: ServerResponse,
    destination: Destination,
    {
      request,
      refuse,
      onEnd,
    }: Pick<Forwarding, 'refuse'> & { request: IncomingMessage; onEnd: (outcome: Outcome) => void },
  ) {
    this.#response = response
    this.#destination = destination
    this.#method = request.method ?? 'GET'
    this.#refuse = refuse
    this.#onEnd = onEnd
    // The waits for a connection, for headers and for each part of a body all together.
    this.#timer = setTimeout(() => this.#fail(new Error('no whole answer in time')), GATEWAY_ANSWER_MS_MAX)
    this.#stopWatching = whenClosed(request, response, () => this.#leave())
    waiting += 1
  }

  // It has a connection, and is written to it next.
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#endWait()
    // Meanwhile nobody waits for it any more. To abort it would end the connection, which is good for the next.
    if (this.#outcome) throw new Error('over')
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#outcome) return
    this.#status = status
    this.#response.writeHead(status, answerHeaders(headers, this.#destination))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#outcome || this.#response.write(chunk)) return
    controller.pause()
    this.#response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    if (this.#outcome) return
    this.#end({ kind: this.#status >= 500 ? 'failed' : 'answered' })
    this.#response.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#endWait()
    this.#fail(error)
  }

  // The pool has given it a connection, or given it up. One that nobody waits for stays in the pool's queue until then.
  #endWait(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    waiting -= 1
  }

  #leave(): void {
    if (this.#outcome) return
    this.#end({ kind: 'aborted' })
    this.#controller?.abort(new Error('the sender has gone'))
  }

  #fail(error: Error): void {
    // A sender that goes away breaks its own body off first.
    if (this.#response.destroyed) this.#leave()
    if (this.#outcome) return
    // Whatever the error is called: a route that is closed breaks off what is under way, too.
    const wasSent = this.#controller !== null
    this.#end({ kind: 'refused', why: wasSent ? 'broken' : 'unreachable', error })
    if (this.#response.headersSent) this.#response.destroy()
    else this.#refuse(refusedAfter(this.#method, { wasSent }))
    // After the answer: it takes the rest of what was sent with it.
    this.#controller?.abort(error)
  }

  #end(outcome: Outcome): void {
    this.#outcome = outcome
    clearTimeout(this.#timer)
    this.#stopWatching()
    this.#onEnd(outcome)
  }
}

/** An answer that is made here, not by a service. */
export type OwnAnswer = { status: number; headers: Record<string, string | number>; body: string }

/** One with a JSON body. */
export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): OwnAnswer {
  const text = JSON.stringify(body)
  const about = { 'content-type': 'application/json', 'cache-control': 'no-cache' }
  return { status, headers: { ...about, 'content-length': Buffer.byteLength(text), ...headers }, body: text }
}

/** Answers with a JSON body. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  const answer = jsonAnswer(status, body)
  response.writeHead(answer.status, answer.headers).end(answer.body)
}

// A request of HTTP/2 need not say how long its body is: it ends with its headers, or has one.
function hasBody(request: IncomingMessage): boolean {
  const { headers } = request
  if ('stream' in request) return (request.stream as Http2Stream).endAfterHeaders !== true
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
