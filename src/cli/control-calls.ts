// Calls to control's management API: tokens, several addresses, a limit on every call, and faults with hints.
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { API, RELEASE_HEADER } from '../contract/api-routes.ts'
import { Fault, faultFromBody, messageOf } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { CONTROL_CALL_MS_MAX, CONTROL_CHANGE_MS_MAX } from '../kit/limits.ts'
import { type Answered, checkAnswer, checkList, type View, type ViewName } from './answer-check.ts'
import type { ControlAddress } from './control-address.ts'

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Call = { verb: Verb; path: string; body?: unknown; query?: Record<string, string>; timeoutMs?: number }

/** For a call that control answers only when a host has carried the change out; all others it answers at once. */
export const FOLLOWED = { timeoutMs: CONTROL_CHANGE_MS_MAX }

/** One control, which may be several processes. */
export class ControlCalls {
  readonly #address: ControlAddress
  #preferred = 0

  constructor(address: ControlAddress) {
    this.#address = address
  }

  /** What is there. */
  async get<N extends ViewName>(view: N, path: string): Promise<View<N>> {
    return await this.send(view, { verb: 'GET', path })
  }

  /** A list of what is there. */
  async list<N extends ViewName>(view: N, path: string, query?: Record<string, string>): Promise<View<N>[]> {
    return await checkList(view, await this.call({ verb: 'GET', path, ...(query ? { query } : {}) }))
  }

  /** One call whose answer is checked. */
  async send<N extends ViewName>(view: N, call: Call): Promise<View<N>> {
    return await checkAnswer(view, await this.call(call))
  }

  /** One call. Faults with `control.*`, or with what control refuses. */
  async call(call: Call): Promise<Answered> {
    const query = call.query ? `?${new URLSearchParams(call.query)}` : ''
    const limitMs = call.timeoutMs ?? CONTROL_CALL_MS_MAX
    const headers: Record<string, string> = { authorization: `Bearer ${this.#address.token}` }
    if (call.verb !== 'GET') headers['idempotency-key'] = randomId(16)
    if (call.body !== undefined) headers['content-type'] = 'application/json'
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const send = { method: call.verb, headers, body }
    const { url, status, text, release } = await this.#sendAnywhere(call.path + query, send, limitMs)
    const parsed = parseJson(text)
    if (status < 400) return { to: `${call.verb} ${call.path}`, body: parsed, release }
    if (status === 401) throw unauthorized(url)
    throw faultFromAnswer(parsed, status)
  }

  /** A stream that takes as long as it is large. Faults as `call` before it begins. */
  async download(path: string): Promise<Readable> {
    return (await this.#stream({ method: 'GET', path })).body
  }

  /** Sends a stream that takes as long as it is large. */
  async upload<N extends ViewName>(view: N, path: string, sent: { stream: Readable; type: string }): Promise<View<N>> {
    const { body, release } = await this.#stream({ method: 'POST', path, ...sent })
    return await checkAnswer(view, { to: `POST ${path}`, body: await json(body), release })
  }

  // By the first control that answers to anything: a stream cannot be sent twice.
  async #stream(call: { method: 'GET' | 'POST'; path: string; stream?: Readable; type?: string }) {
    await this.call({ verb: 'GET', path: API.live })
    const { request } = await import('undici')
    const url = this.#address.url.split(',')[this.#preferred] ?? ''
    const type = call.type === undefined ? {} : { 'content-type': call.type }
    const answer = await request(url + call.path, {
      method: call.method,
      headers: { authorization: `Bearer ${this.#address.token}`, ...type },
      body: call.stream ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
    }).catch((error) => {
      throw new Fault('control.silent', 503, `control at ${url} ended the call: ${messageOf(error)}`, {
        hint: this.#address.hintWhenSilent,
      })
    })
    const release = String(answer.headers[RELEASE_HEADER] ?? '')
    if (answer.statusCode < 400) return { body: answer.body, release: release === '' ? null : release }
    if (answer.statusCode === 401) throw unauthorized(url)
    throw faultFromAnswer(parseJson(await answer.body.text()), answer.statusCode)
  }

  // Several controls: the next one is asked when one is not there. One that may have taken a change and did not
  // answer is not passed over: the change could be made twice.
  async #sendAnywhere(
    path: string,
    send: { method: Verb; headers: Record<string, string>; body: string | null },
    limitMs: number,
  ): Promise<{ url: string; status: number; text: string; release: string | null }> {
    const urls = this.#address.url.split(',')
    let silence: Fault | null = null
    for (let tried = 0; tried < urls.length; tried += 1) {
      const at = (this.#preferred + tried) % urls.length
      const url = urls[at] ?? ''
      try {
        const answer = await fetch(url + path, { ...send, signal: AbortSignal.timeout(limitMs) })
        const text = await answer.text()
        this.#preferred = at
        return { url, status: answer.status, text, release: answer.headers.get(RELEASE_HEADER) }
      } catch (error) {
        silence = this.#silence(url, error, limitMs)
        if (send.method !== 'GET' && !wasRefused(error)) throw silence
      }
    }
    throw silence
  }

  #silence(url: string, error: unknown, limitMs: number): Fault {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    const reason = isLate ? `no answer within ${limitMs} ms` : reasonOf(error)
    return new Fault('control.silent', 503, `control does not answer at ${url}: ${reason}`, {
      hint: this.#address.hintWhenSilent,
      cause: error,
    })
  }
}

// Nobody took the connection, so nothing was sent.
function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null
  return cause instanceof Error && 'code' in cause && /^(ECONNREFUSED|EHOSTUNREACH|ENOTFOUND)$/.test(String(cause.code))
}

/** Fills the `:names` of a route; values are encoded. */
export function fill(route: string, values: Record<string, string>): string {
  return route.replace(/:(\w+)/g, (_all, name: string) => {
    const value = values[name] ?? ''
    // Encoded or not, a URL takes these two as steps through its path: another route would be asked.
    if (value !== '.' && value !== '..') return encodeURIComponent(value)
    throw new Fault('usage.bad_name', 400, `'${value}' is not a name`, { hint: 'See which there are: mainstay status' })
  })
}

// fetch wraps what happened: the cause says "connect ECONNREFUSED …".
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? messageOf(error.cause) : messageOf(error)
}

function parseJson(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, say; the status tells what counts, and the schema check the rest.
    return null
  }
}

// Reading data passes on what the data plane says, which has the words in `error`.
function faultFromAnswer(body: unknown, status: number): Fault {
  if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string') {
    return new Fault('remote.failed', status, body.error.replace(/^Error: /, ''))
  }
  return faultFromBody(body, status)
}

function unauthorized(url: string): Fault {
  return new Fault('control.unauthorized', 401, `control at ${url} does not accept this token`, {
    hint: 'Check MAINSTAY_TOKEN, log in again (mainstay login URL), or check --home when it is a local cloud.',
  })
}
