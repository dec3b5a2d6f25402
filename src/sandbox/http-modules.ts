// The modules `http` and `https` as far as clients go: requests of scripts and what comes back, as streams. Nobody dials
// here: the whole of a request goes to the runtime once it has ended.
import { Readable, Writable } from 'node:stream'
import { type CallUnderWay, running } from './call-under-way.ts'
import { scriptFetch } from './fetch-call.ts'

type Options = Record<string, unknown>
type Headers = Record<string, string | string[]>
type OnResponse = (response: Incoming) => void
type Scheme = 'http:' | 'https:'

// Node's own takes a while to load, and few scripts want it.
const node = () => process.getBuiltinModule('node:http')

/** What came back. */
class Incoming extends Readable {
  readonly httpVersion = '1.1'
  readonly statusCode: number
  readonly statusMessage: string
  readonly headers: Headers
  readonly rawHeaders: string[]
  complete = false
  #body: Buffer | null

  constructor(answer: Response, body: Buffer) {
    super()
    this.statusCode = answer.status
    this.statusMessage = answer.statusText || (node().STATUS_CODES[answer.status] ?? '')
    this.headers = {}
    this.rawHeaders = []
    for (const [name, value] of answer.headers) {
      this.rawHeaders.push(name, value)
      if (name === 'set-cookie') this.headers[name] = [...[this.headers[name] ?? []].flat(), value]
      else this.headers[name] = value
    }
    this.#body = body
  }

  override _read(): void {
    if (this.#body && this.#body.length > 0) this.push(this.#body)
    this.#body = null
    this.complete = true
    this.push(null)
  }

  setTimeout(): this {
    return this
  }
}

/** A request that is being made: it is sent when it ends. */
class Outgoing extends Writable {
  readonly method: string
  readonly path: string
  aborted = false
  readonly #url: URL
  readonly #headers = new Map<string, [name: string, value: unknown]>()
  readonly #chunks: Buffer[] = []
  readonly #stop = new AbortController()
  readonly #call: CallUnderWay | null
  #timer: NodeJS.Timeout | null = null
  #isAnswered = false

  constructor(url: URL, options: Options, onResponse: OnResponse | null) {
    super({ autoDestroy: false })
    this.#url = url
    this.path = `${url.pathname}${url.search}`
    this.method = String(options.method ?? 'GET').toUpperCase()
    this.#call = running.getStore()?.call ?? null
    for (const [name, value] of Object.entries((options.headers as object | undefined) ?? {})) {
      this.setHeader(name, value)
    }
    if (typeof options.auth === 'string') {
      this.setHeader('authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`)
    }
    if (onResponse) this.once('response', onResponse)
    if (typeof options.timeout === 'number') this.setTimeout(options.timeout)
  }

  setHeader(name: string, value: unknown): this {
    this.#headers.set(name.toLowerCase(), [name, value])
    return this
  }

  getHeader(name: string): unknown {
    return this.#headers.get(name.toLowerCase())?.[1]
  }

  getHeaders(): Record<string, unknown> {
    return Object.fromEntries([...this.#headers].map(([name, [, value]]) => [name, value]))
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase())
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase())
  }

  /** As in Node it only tells: who asked ends the request, or does not. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    if (onTimeout) this.once('timeout', onTimeout)
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = ms > 0 ? setTimeout(() => this.#guarded(() => this.emit('timeout')), ms) : null
    this.#timer?.unref()
    return this
  }

  abort(): void {
    this.aborted = true
    this.destroy()
  }

  flushHeaders(): void {}
  setNoDelay(): void {}
  setSocketKeepAlive(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    done()
  }

  override _final(done: (error?: Error) => void): void {
    done()
    this.#send().then(
      (response) => this.#guarded(() => this.#respond(response)),
      (error: unknown) => {
        if (!this.destroyed) this.destroy(reasonOf(error))
      },
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#stop.abort()
    const hungUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    // Whoever gave it up before there was an answer hears of it, as in Node.
    done(error ?? (this.#isAnswered ? null : hungUp))
  }

  async #send(): Promise<Incoming> {
    const headers = [...this.#headers.values()].flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    )
    const isBodiless = this.method === 'GET' || this.method === 'HEAD' || this.#chunks.length === 0
    const body = isBodiless ? {} : { body: Buffer.concat(this.#chunks) }
    const { signal } = this.#stop
    const sent = { method: this.method, headers, redirect: 'manual' as const, signal, ...body }
    const answer = await scriptFetch(this.#url, sent)
    return new Incoming(answer, Buffer.from(await answer.arrayBuffer()))
  }

  #respond(response: Incoming): void {
    if (this.destroyed) return
    this.#isAnswered = true
    response.once('close', () => this.destroy())
    if (this.#timer) clearTimeout(this.#timer)
    // As in Node: an answer that nobody wants is thrown away.
    if (!this.emit('response', response)) response.resume()
  }

  // What a script's function throws ends the script's request.
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!this.#call) throw error
      this.#call.fail(error)
    }
  }
}

/** `http` or `https`. */
export function httpModule(scheme: Scheme): Record<string, unknown> {
  const request = (...given: unknown[]) => {
    const onResponse = given.find((one) => typeof one === 'function') as OnResponse | undefined
    const [first, second] = given
    const isUrl = typeof first === 'string' || first instanceof URL
    const options = ((isUrl ? second : first) ?? {}) as Options
    const url = isUrl ? new URL(String(first)) : urlOf(options, scheme)
    if (url.protocol !== scheme) {
      const message = `Protocol "${url.protocol}" not supported. Expected "${scheme}"`
      throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_PROTOCOL' })
    }
    const { username, password } = url
    const auth = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    url.username = ''
    url.password = ''
    const wanted = typeof options === 'object' ? options : {}
    return new Outgoing(url, auth === undefined ? wanted : { auth, ...wanted }, onResponse ?? null)
  }
  const get = (...given: unknown[]) => {
    const asked = request(...given)
    asked.end()
    return asked
  }
  class Agent {
    destroy(): void {}
  }
  const { METHODS, STATUS_CODES } = node()
  return { request, get, Agent, globalAgent: new Agent(), METHODS, STATUS_CODES }
}

function urlOf(options: Options, scheme: Scheme): URL {
  const { protocol = scheme, hostname, host, port, path = '/' } = options
  const name = String(hostname ?? host ?? 'localhost')
  const at = hostname === undefined && /:\d+$/.test(name) ? name : `${name}${port === undefined ? '' : `:${port}`}`
  return new URL(`${protocol}//${at}${String(path)}`)
}

// What `fetch` wraps is the reason that is wanted here.
function reasonOf(error: unknown): Error {
  if (error instanceof Error && error.cause instanceof Error) return error.cause
  return error instanceof Error ? error : new Error(String(error))
}
