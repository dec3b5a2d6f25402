// `fetch` and the `request` of old for scripts: the runtime dials, since there is no network here.

import { type CallUnderWay, running } from './call-under-way.ts'
import { describe } from './errors.ts'
import type { AskOutcome } from './messages.ts'

type Callback = (error: unknown, response?: unknown, body?: unknown) => void
type Options = Record<string, unknown>

const EMPTY_STATUSES = new Set([101, 204, 205, 304])

/** As `fetch` of the web; fails as that does, with a TypeError that has the reason. */
export async function scriptFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const call = runningCall()
  const request = new Request(input, init)
  const bytes = request.body === null ? null : Buffer.from(await request.arrayBuffer()).toString('base64')
  request.signal.throwIfAborted()
  const { url, method, redirect } = request
  const what = { op: 'fetch' as const, url, method, headers: [...request.headers], body: bytes, redirect }
  const outcome = await new Promise<AskOutcome>((resolve, reject) => {
    const giveUp = call.ask(what, false, resolve)
    request.signal.addEventListener(
      'abort',
      () => {
        giveUp()
        reject(request.signal.reason)
      },
      { once: true },
    )
  })
  if (outcome.kind === 'failed') throw new TypeError('fetch failed', { cause: new Error(outcome.message) })
  if (outcome.kind !== 'fetched') throw new TypeError('fetch failed')
  const { status, statusText, headers, body, isRedirected } = outcome
  const content = EMPTY_STATUSES.has(status) ? null : Buffer.from(body, 'base64')
  const response = new Response(content, { status, statusText, headers: withoutCoding(headers) })
  Object.defineProperty(response, 'url', { value: outcome.url })
  Object.defineProperty(response, 'redirected', { value: isRedirected })
  return response
}

/** The module `request`, as far as scripts used it: options or a URL, and a function of error, response and body. */
export const requestModule = makeRequest({})

function makeRequest(usual: Options) {
  const ask = (...given: unknown[]) => {
    const callback = given.find((one) => typeof one === 'function') as Callback | undefined
    const [first, second] = given
    const own = typeof first === 'object' && first !== null ? first : { url: first, ...(second as object | undefined) }
    perform({ ...usual, ...own } as Options, callback ?? (() => {}))
  }
  const verb = (method: string) => {
    return (first: unknown, ...rest: unknown[]) => {
      const own = typeof first === 'object' && first !== null ? first : { url: first }
      const options = rest.find((one) => typeof one === 'object' && one !== null)
      ask(
        { ...own, ...options, method },
        rest.find((one) => typeof one === 'function'),
      )
    }
  }
  const verbs = { get: verb('GET'), head: verb('HEAD'), post: verb('POST'), put: verb('PUT'), patch: verb('PATCH') }
  const defaults = (options: Options) => makeRequest({ ...usual, ...options })
  return Object.assign(ask, verbs, { del: verb('DELETE'), delete: verb('DELETE'), defaults })
}

function perform(options: Options, callback: Callback): void {
  const call = runningCall()
  // What the callback throws is the script's, and ends its request.
  const tell: Callback = (...values) => {
    try {
      callback(...values)
    } catch (error) {
      call.fail(error)
    }
  }
  send(options).then(
    ({ response, body }) => tell(null, response, body),
    (error: unknown) => tell(error instanceof Error && error.cause instanceof Error ? error.cause : error),
  )
}

async function send(options: Options): Promise<{ response: unknown; body: unknown }> {
  const headers = new Headers(options.headers as Record<string, string> | undefined)
  const { json, form, auth, qs, timeout, followRedirect, encoding } = options
  const url = new URL(String(options.url ?? options.uri))
  for (const [name, value] of Object.entries((qs as object | undefined) ?? {}))
    url.searchParams.set(name, String(value))
  let body = options.body as RequestInit['body'] | undefined
  if (json !== undefined && json !== false) {
    if (json !== true) body = JSON.stringify(json)
    else if (body !== undefined && typeof body !== 'string') body = JSON.stringify(body)
    if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
    if (!headers.has('accept')) headers.set('accept', 'application/json')
  }
  if (form !== undefined) body = new URLSearchParams(form as Record<string, string>)
  const { user, username = user, pass, password = pass, bearer } = (auth as Options | undefined) ?? {}
  if (bearer !== undefined) headers.set('authorization', `Bearer ${String(bearer)}`)
  else if (username !== undefined) {
    headers.set('authorization', `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`)
  }
  const method = String(options.method ?? 'GET').toUpperCase()
  const redirect = followRedirect === false ? 'manual' : 'follow'
  const limit = typeof timeout === 'number' ? { signal: AbortSignal.timeout(timeout) } : {}
  const answer = await scriptFetch(url, {
    method,
    headers,
    redirect,
    ...limit,
    ...(body === undefined ? {} : { body }),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  const text = bytes.toString('utf8')
  const given = encoding === null ? bytes : json ? parsed(text) : text
  const response = { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body: given }
  return { response, body: given }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

// It was unpacked on the way.
function withoutCoding(headers: [string, string][]): [string, string][] {
  return headers.filter(([name]) => name !== 'content-encoding' && name !== 'content-length')
}

function runningCall(): CallUnderWay {
  const call = running.getStore()?.call
  if (call) return call
  throw new TypeError('fetch works while a request or a job is under way, not while a module is loaded.')
}

/** A promise that was rejected and that nobody watches ends its own request, and no other. */
export function failUnwatched(reason: unknown): string | null {
  const call = running.getStore()?.call
  if (!call) return describe(reason)
  call.fail(reason)
  return null
}
