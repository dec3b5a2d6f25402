// HTTP of scripts to the world: dialled here, since they have no network, and only to where the policy allows.
// Bounded in time, bytes, redirects, and in how much of it one service has at once.
import { AtOnce } from '../kit/at-once.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { type EgressAnswer, EgressHttp } from '../kit/egress-http.ts'
import { Fault } from '../kit/fault.ts'
import {
  FETCH_BYTES_MAX,
  FETCH_CONNECT_MS_MAX,
  FETCH_MS_MAX,
  FETCH_REDIRECTS_MAX,
  FETCHES_MAX,
  FETCHES_PER_SERVICE_MAX,
} from '../kit/limits.ts'
import type { AskOutcome, FetchAsk } from '../sandbox/messages.ts'
import { badRequest, timedOut } from './app-faults.ts'

/** Of one connection, or the agent's to say. */
const NOT_SENT = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
])
/** What a redirect to somewhere else must not take along. */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization'])
const REDIRECTS = new Set([301, 302, 303, 307, 308])

type Wanted = { url: URL; method: string; headers: [string, string][]; body: Buffer | null }

export class ScriptFetches {
  readonly #http: EgressHttp
  readonly #atOnce = new AtOnce({ perOwner: FETCHES_PER_SERVICE_MAX, all: FETCHES_MAX })

  constructor(policy: EgressPolicy) {
    this.#http = new EgressHttp(policy, { connectMs: FETCH_CONNECT_MS_MAX, bytesMax: FETCH_BYTES_MAX })
  }

  /** Carries one out for a service. `until`: its deadline (`performance.now`), and its end before that. Throws Faults. */
  async carryOut(
    service: string,
    what: FetchAsk,
    until: { deadline: number; signal: AbortSignal },
  ): Promise<AskOutcome> {
    const full = this.#atOnce.fullOf(service)
    if (full === 'owner') {
      throw new Fault('app.unavailable', 503, `A service may fetch ${FETCHES_PER_SERVICE_MAX} things at once, no more.`)
    }
    if (full === 'all') throw new Fault('app.unavailable', 503, 'Too much is being fetched here at once.')
    return await this.#atOnce.during(service, async () => await this.#follow(what, until))
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close()
  }

  async #follow(
    what: FetchAsk,
    { deadline, signal: ended }: { deadline: number; signal: AbortSignal },
  ): Promise<AskOutcome> {
    let wanted = wantedOf(what)
    const leftMs = Math.floor(Math.min(deadline - performance.now(), FETCH_MS_MAX))
    if (leftMs <= 0) throw timedOut()
    const signal = AbortSignal.any([AbortSignal.timeout(leftMs), ended])
    for (let hop = 0; ; hop += 1) {
      const { url, method, headers, body } = wanted
      const sent = body === null ? {} : { body }
      const answer = await this.#http.ask(url, { method, headers, signal, ...sent })
      const location = answer.headers.find(([name]) => name === 'location')?.[1]
      if (!REDIRECTS.has(answer.status) || location === undefined || what.redirect === 'manual') {
        return await outcomeOf(answer, url, hop > 0)
      }
      await answer.drop()
      if (what.redirect === 'error') throw badRequest(`${url.origin} redirects, which was not wanted.`)
      if (hop >= FETCH_REDIRECTS_MAX) throw badRequest(`${url.origin} redirects again and again.`)
      wanted = redirected(wanted, answer.status, location)
    }
  }
}

function wantedOf(what: FetchAsk): Wanted {
  const url = urlOf(String(what.url))
  const method = String(what.method).toUpperCase()
  const given = Array.isArray(what.headers) ? what.headers : []
  const headers = given
    .map(([name, value]): [string, string] => [String(name).toLowerCase(), String(value)])
    .filter(([name]) => !NOT_SENT.has(name))
  const body = typeof what.body === 'string' ? Buffer.from(what.body, 'base64') : null
  return { url, method, headers, body: method === 'GET' || method === 'HEAD' ? null : body }
}

// https://fetch.spec.whatwg.org/#http-redirect-fetch
function redirected({ url, method, headers, body }: Wanted, status: number, location: string): Wanted {
  const next = urlOf(new URL(location, url).href)
  const isRead = status === 303 || ((status === 301 || status === 302) && method === 'POST')
  const kept = next.origin === url.origin ? headers : headers.filter(([name]) => !SECRET.has(name))
  if (!isRead || method === 'HEAD') return { url: next, method, headers: kept, body }
  return { url: next, method: 'GET', headers: kept.filter(([name]) => !name.startsWith('content-')), body: null }
}

function urlOf(text: string): URL {
  if (!URL.canParse(text)) throw badRequest(`'${text.slice(0, 200)}' is no URL.`)
  const url = new URL(text)
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw badRequest(`Only http: and https: can be fetched, not ${url.protocol}`)
}

async function outcomeOf(answer: EgressAnswer, url: URL, isRedirected: boolean): Promise<AskOutcome> {
  const { body, isCut } = await answer.read()
  if (isCut) throw badRequest(`${url.origin} answers with more than ${FETCH_BYTES_MAX} bytes.`)
  const { status, statusText, headers } = answer
  return { kind: 'fetched', url: url.href, status, statusText, headers, body: body.toString('base64'), isRedirected }
}
