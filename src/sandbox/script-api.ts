// A custom API as its script sees it: routes, and the request and response of express 3. Sent into a context as text:
// it may use nothing but its arguments and the globals of a context of ours.
import type { ApiRequest, ScriptAnswer, ScriptUser } from './messages.ts'
import type { Fields, Tables } from './script-tables.ts'

type Handler = (request: unknown, response: unknown, next: (error?: unknown) => void) => unknown
/** `name`: as it was registered, without slashes around and in lower case; `/` is the API itself. */
type Route = { name: string; method: string; pattern: RegExp; keys: string[]; handlers: Handler[] }

/** What the sandbox gives for one request. Functions of the outer world. */
export type ApiOutside = {
  answer: (answer: ScriptAnswer) => void
  /** The text of a status, `Not Found`. */
  statusText: (status: number) => string
  config: Record<string, unknown>
  mssql: Fields
  /** Made when it is first used: few requests do. */
  push: () => Fields
}
export type Apis = {
  /** The routes of an API by what its module exports. Throws what its `register` throws. */
  routesOf: (exports: unknown) => Route[]
  handle: (routes: Route[], about: About, outside: ApiOutside, tables: Tables) => void
}
type About = { request: ApiRequest; user: ScriptUser; access?: Record<string, boolean> }

/** Makes the functions. */
export const scriptApi = (): Apis => {
  const METHODS = ['get', 'put', 'post', 'patch', 'delete']
  const TYPES: Record<string, string> = {
    html: 'text/html',
    txt: 'text/plain',
    text: 'text/plain',
    css: 'text/css',
    csv: 'text/csv',
    js: 'application/javascript',
    json: 'application/json',
    xml: 'application/xml',
    bin: 'application/octet-stream',
    pdf: 'application/pdf',
    zip: 'application/zip',
    form: 'application/x-www-form-urlencoded',
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    svg: 'image/svg+xml',
    ico: 'image/x-icon',
  }
  const typeOf = (name: string) => (name.includes('/') ? name : (TYPES[name.replace(/^\./, '')] ?? 'text/plain'))

  // ---- routes

  function patternOf(path: unknown): { pattern: RegExp; keys: string[] } {
    if (path instanceof RegExp) return { pattern: path, keys: [] }
    const keys: string[] = []
    const words = /\/?:(\w+)(\([^)]*\))?(\?)?|\*|[^:*/]+|\//g
    const parts = (String(path).match(words) ?? []).map((part) => {
      if (part === '*') {
        keys.push(String(keys.filter((key) => /^\d+$/.test(key)).length))
        return '(.*)'
      }
      const [, name, own = '([^/]+?)', optional] = /^\/?:(\w+)(\([^)]*\))?(\?)?$/.exec(part) ?? []
      if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      keys.push(name)
      const slash = part.startsWith('/') ? '/' : ''
      return optional ? `(?:${slash}${own})?` : `${slash}${own}`
    })
    const text = parts.join('').replace(/^\/?/, '/').replace(/\/$/, '')
    return { pattern: new RegExp(`^${text}/?$`, 'i'), keys }
  }

  const nameOf = (path: unknown) =>
    String(path)
      .replace(/^\/+|\/+$/g, '')
      .toLowerCase() || '/'

  const handlersOf = (given: unknown[]): Handler[] => {
    const handlers = given.flat(10)
    const isAll = handlers.length > 0 && handlers.every((handler) => typeof handler === 'function')
    if (!isAll) throw new Error('A route of a custom API needs a function.')
    return handlers as Handler[]
  }

  function routesOf(exports: unknown): Route[] {
    const own = (typeof exports === 'object' || typeof exports === 'function' ? exports : null) as Fields | null
    const routes: Route[] = []
    const add =
      (methods: string[]) =>
      (path: unknown, ...given: unknown[]) => {
        const handlers = handlersOf(given)
        for (const method of methods) routes.push({ name: nameOf(path), method, ...patternOf(path), handlers })
        return api
      }
    const api: Fields = { all: add(METHODS), del: add(['delete']) }
    for (const method of METHODS) api[method] = add([method])
    if (typeof own?.register === 'function') own.register(api)
    for (const method of METHODS) {
      const handler = own?.[method] ?? (method === 'delete' ? own?.del : undefined)
      if (handler !== undefined) routes.push({ name: '/', method, ...patternOf('/'), handlers: handlersOf([handler]) })
    }
    return routes
  }

  // ---- request

  // A name that comes twice means a list. As an own property, whatever its name is.
  const add = (to: Fields, name: string, value: unknown) => {
    const known = Object.hasOwn(to, name) ? to[name] : undefined
    const all = Array.isArray(known) ? [...known, value] : [known, value]
    const property = { enumerable: true, configurable: true, writable: true }
    Object.defineProperty(to, name, { value: known === undefined ? value : all, ...property })
  }
  const queryOf = (url: string): Fields => {
    const query: Fields = {}
    const at = url.indexOf('?')
    for (const [name, value] of new URLSearchParams(at < 0 ? '' : url.slice(at + 1))) add(query, name, value)
    return query
  }
  // Those of old lay in a folder, which a script has none of: they are here as bytes.
  const filesOf = (given: ApiRequest['files'] = []): Fields => {
    const files: Fields = {}
    for (const { field, name, type, data } of given) {
      const bytes = Buffer.from(data, 'base64')
      const names = { fieldName: field, originalFilename: name, name, type }
      add(files, field, { ...names, size: bytes.length, headers: { 'content-type': type }, data: bytes })
    }
    return files
  }

  const isType = (content: string, wanted: string) => {
    const [type = ''] = content.split(';')
    const full = typeOf(wanted)
    return full.endsWith('/*') ? type.startsWith(full.slice(0, -1)) : type.trim().toLowerCase() === full
  }

  function makeRequest(about: { request: ApiRequest; user: ScriptUser }, service: Service, user: Fields): Fields {
    const { method, path, url, host, isSecure, headers, body, files } = about.request
    const header = (name: unknown) => {
      const lower = String(name).toLowerCase()
      return lower === 'referrer' ? (headers.referrer ?? headers.referer) : headers[lower]
    }
    const query = queryOf(url)
    const accepts = (...given: unknown[]) => {
      const types = given.flat().map(String)
      const accepted = (header('accept') ?? '*/*').split(',').map((one) => one.split(';')[0]?.trim() ?? '')
      const fits = (type: string) =>
        accepted.some((one) => {
          const full = typeOf(type)
          return one === '*/*' || one === full || (one.endsWith('/*') && full.startsWith(one.slice(0, -1)))
        })
      return types.find(fits)
    }
    const bodyValue = body === undefined ? {} : body
    const request: Fields = {
      method,
      path: path === '' ? '/' : path,
      url,
      originalUrl: url,
      headers: { ...headers },
      query,
      params: {},
      body: bodyValue,
      files: filesOf(files),
      protocol: isSecure ? 'https' : 'http',
      secure: isSecure,
      host: host.replace(/:\d+$/, ''),
      hostname: host.replace(/:\d+$/, ''),
      xhr: (header('x-requested-with') ?? '').toLowerCase() === 'xmlhttprequest',
      ip: (header('x-forwarded-for') ?? '').split(',')[0]?.trim() ?? '',
      header,
      get: header,
      accepts,
      is: (type: unknown) => isType(header('content-type') ?? '', String(type)),
      param: (name: string, otherwise?: unknown) => {
        const params = request.params as Fields
        const fromBody = typeof bodyValue === 'object' && bodyValue !== null ? (bodyValue as Fields)[name] : undefined
        return params[name] ?? fromBody ?? query[name] ?? otherwise
      },
      user,
      service,
    }
    return request
  }

  // ---- response

  function makeResponse(outside: ApiOutside): Fields {
    const headers = new Map<string, { name: string; value: string | string[] }>()
    const chunks: Buffer[] = []
    const listeners: [string, () => void][] = []
    let isText = true
    let isEnded = false
    const setHeader = (name: unknown, value: unknown) => {
      const lower = String(name).toLowerCase()
      const given = Array.isArray(value) ? value.map(String) : String(value)
      const { charset } = response
      const needsCharset = lower === 'content-type' && charset !== undefined && !String(given).includes('charset=')
      headers.set(lower, { name: String(name), value: needsCharset ? `${given}; charset=${charset}` : given })
    }
    const getHeader = (name: unknown) => headers.get(String(name).toLowerCase())?.value
    const write = (chunk: unknown, encoding?: unknown) => {
      if (isEnded) throw new Error('write after end')
      if (chunk === undefined || chunk === null || typeof chunk === 'function') return true
      const isBytes = typeof chunk === 'object' && ArrayBuffer.isView(chunk)
      if (isBytes) isText = false
      const bytes = isBytes
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.from(String(chunk), typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
      chunks.push(Buffer.from(bytes))
      return true
    }
    const end = (chunk?: unknown, encoding?: unknown) => {
      if (isEnded) return response
      write(chunk, encoding)
      isEnded = true
      response.headersSent = true
      response.finished = true
      const status = response.statusCode
      if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
        throw new Error(`A custom API can not answer with the status ${String(status)}.`)
      }
      const list = [...headers.values()].flatMap(({ name, value }) =>
        (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one]),
      )
      const all = Buffer.concat(chunks)
      const body = isText ? all.toString('utf8') : all.toString('base64')
      outside.answer({ kind: 'http', status, headers: list, body, isBase64: !isText })
      for (const [event, listener] of listeners) if (event === 'finish' || event === 'close') listener()
      return response
    }
    // A status may come before the body or, as of old, after it.
    const takeStatus = (given: unknown[]): unknown => {
      const [first, second] = given
      if (given.length < 2) return first
      if (typeof first !== 'number' && typeof second === 'number') {
        response.statusCode = second
        return first
      }
      response.statusCode = first
      return second
    }
    const json = (...given: unknown[]) => {
      const value = takeStatus(given)
      response.charset ??= 'utf-8'
      if (getHeader('content-type') === undefined) setHeader('Content-Type', 'application/json')
      return end(JSON.stringify(value))
    }
    const send = (...given: unknown[]) => {
      const body = takeStatus(given)
      const hasType = getHeader('content-type') !== undefined
      if (typeof body === 'number') {
        if (!hasType) setHeader('Content-Type', 'text/plain')
        response.statusCode = body
        return end(outside.statusText(body))
      }
      if (typeof body === 'string') {
        response.charset ??= 'utf-8'
        if (!hasType) setHeader('Content-Type', 'text/html')
        return end(body)
      }
      if (body === undefined || body === null) return end()
      if (ArrayBuffer.isView(body)) {
        if (!hasType) setHeader('Content-Type', 'application/octet-stream')
        return end(body)
      }
      return json(body)
    }
    const set = (name: unknown, value?: unknown) => {
      if (typeof name === 'object' && name !== null) {
        for (const [key, one] of Object.entries(name)) setHeader(key, one)
      } else setHeader(name, value)
      return response
    }
    const type = (name: unknown) => set('Content-Type', typeOf(String(name)))
    const append = (name: string, value: string) => {
      const known = getHeader(name)
      return set(name, known === undefined ? value : [known, value].flat())
    }
    const cookie = (name: unknown, value: unknown, options: Fields = {}) => {
      const text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value)
      const maxAge = typeof options.maxAge === 'number' ? options.maxAge : null
      const expires = maxAge === null ? options.expires : new Date(Date.now() + maxAge)
      const words = [
        `${String(name)}=${encodeURIComponent(text)}`,
        ...(maxAge === null ? [] : [`Max-Age=${Math.floor(maxAge / 1_000)}`]),
        ...(options.domain === undefined ? [] : [`Domain=${String(options.domain)}`]),
        `Path=${String(options.path ?? '/')}`,
        ...(expires instanceof Date ? [`Expires=${expires.toUTCString()}`] : []),
        ...(options.httpOnly === true ? ['HttpOnly'] : []),
        ...(options.secure === true ? ['Secure'] : []),
      ]
      return append('Set-Cookie', words.join('; '))
    }
    const on = (event: string, listener: () => void) => {
      listeners.push([event, listener])
      return response
    }
    const status = (code: unknown) => {
      response.statusCode = code
      return response
    }
    const response: Fields = {
      statusCode: 200,
      headersSent: false,
      finished: false,
      locals: {},
      charset: undefined,
      status,
      send,
      json,
      jsonp: json,
      sendStatus: (code: number) => send(code),
      set,
      header: set,
      get: getHeader,
      getHeader,
      setHeader: (name: unknown, value: unknown) => {
        setHeader(name, value)
      },
      removeHeader: (name: unknown) => {
        headers.delete(String(name).toLowerCase())
      },
      writeHead: (code: unknown, ...rest: unknown[]) => {
        const given = rest.find((one) => typeof one === 'object' && one !== null)
        if (given) set(given)
        return status(code)
      },
      type,
      contentType: type,
      location: (url: unknown) => set('Location', String(url)),
      redirect: (...given: unknown[]) => {
        const [first, second] = given
        const [code, url] = typeof first === 'number' ? [first, second] : [second ?? 302, first]
        set('Location', String(url))
        status(code)
        setHeader('Content-Type', 'text/plain')
        return end(`${outside.statusText(Number(code))}. Redirecting to ${String(url)}`)
      },
      cookie,
      clearCookie: (name: unknown, options: Fields = {}) => cookie(name, '', { ...options, expires: new Date(1) }),
      attachment: (name?: unknown) =>
        set('Content-Disposition', name === undefined ? 'attachment' : `attachment; filename="${String(name)}"`),
      vary: (name: unknown) => append('Vary', String(name)),
      write,
      end,
      on,
      once: on,
    }
    return response
  }

  // ---- the call

  /** What a request has at hand of its service. A class, as the globals of table scripts are one. */
  class Service {
    readonly tables: Fields
    readonly mssql: Fields
    readonly config: Record<string, unknown>
    readonly #makePush: () => Fields
    #push: Fields | undefined

    constructor({ config, mssql, push }: ApiOutside, { getTable }: Tables) {
      this.tables = { getTable }
      this.mssql = mssql
      this.config = config
      this.#makePush = push
    }

    get push(): Fields {
      this.#push ??= this.#makePush()
      return this.#push
    }
  }

  function handle(routes: Route[], about: About, outside: ApiOutside, tables: Tables): void {
    const path = about.request.path === '' ? '/' : about.request.path
    const matching = routes.flatMap((route) => {
      const found = route.pattern.exec(path)
      return found ? [{ ...route, found }] : []
    })
    const method = about.request.method.toLowerCase()
    const steps = matching
      .filter((route) => route.method === method)
      .flatMap(({ found, keys, handlers, name }, route) =>
        handlers.map((handler) => ({ handler, route, name, params: paramsOf(found, keys) })),
      )
    if (steps.length === 0) {
      const allow = [...new Set(matching.map((route) => route.method.toUpperCase()))]
      outside.answer({ kind: 'no_route', allow: matching.length === 0 && path !== '/' ? null : allow })
      return
    }
    const service = new Service(outside, tables)
    const request = makeRequest(about, service, tables.userOf(about.user))
    const response = makeResponse(outside)
    Object.assign(request, { res: response, respond: response.send })
    Object.assign(response, { req: request })
    const { access } = about
    const mayTake = (name: string) => !access || (Object.hasOwn(access, name) ? access[name] : access['*']) === true
    let index = 0
    const next = (error?: unknown): void => {
      if (error !== undefined && error !== null && error !== 'route') {
        tables.fail(error)
        return
      }
      const last = steps[index - 1]
      while (error === 'route' && steps[index] !== undefined && steps[index]?.route === last?.route) index += 1
      const step = steps[index]
      index += 1
      if (!step) {
        outside.answer({ kind: 'no_route', allow: null })
        return
      }
      if (step.route !== last?.route && !mayTake(step.name)) {
        outside.answer({ kind: 'unauthorized' })
        return
      }
      request.params = step.params
      tables.guarded(() => step.handler(request, response, next))
    }
    next()
  }

  function paramsOf(found: RegExpExecArray, keys: string[]): Fields {
    const values = found.slice(1).map((value) => (value === undefined ? undefined : decodeURIComponent(value)))
    const params: Fields = {}
    values.forEach((value, index) => {
      params[keys[index] ?? String(index)] = value
    })
    return params
  }

  return { routesOf, handle }
}
