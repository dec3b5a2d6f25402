// Speaks the management protocol as the original's command line does: its headers, a connection for each request, and the
// client certificate of the publish settings.
import assert from 'node:assert/strict'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { readPfx } from './publish-settings.ts'

export type ToolAnswer = {
  status: number
  headers: NodeJS.Dict<string | string[]>
  text: string
  /** What the text says, where it is JSON; undefined elsewhere. */
  json: unknown
}

export type ToolCall = {
  /** Objects are sent as JSON. */
  body?: string | object
  /** `application/json` with an object, `text/plain` with a text, unless told otherwise. */
  type?: string
  headers?: Record<string, string>
  /** Hangs up. */
  signal?: AbortSignal
}

export type Dialect = 'older' | 'newer'

type Identity = { key: string; cert: string } | { token: string } | null

export class AzureClient {
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly subscription: string
  readonly #identity: Identity
  readonly #authority: string | null
  readonly #dialect: Dialect

  constructor(about: {
    endpoint: string
    subscription: string
    identity: Identity
    authority?: string | null
    dialect?: Dialect
  }) {
    this.endpoint = about.endpoint.replace(/\/$/, '')
    this.subscription = about.subscription
    this.#identity = about.identity
    this.#authority = about.authority ?? null
    this.#dialect = about.dialect ?? 'newer'
  }

  /** As whoever has imported this file. */
  static async import(file: string, options: { authority: string | null; dialect?: Dialect }): Promise<AzureClient> {
    const read = (name: string) => file.match(new RegExp(`<Subscription[^>]* ${name}="([^"]*)"`))?.[1]
    const [endpoint, subscription, pfx] = ['ServiceManagementUrl', 'Id', 'ManagementCertificate'].map(read)
    assert.ok(endpoint && subscription && pfx, 'the publish settings say too little')
    const identity = readPfx(Buffer.from(pfx, 'base64'))
    return new AzureClient({ endpoint, subscription, identity, ...options })
  }

  /** A call about a mobile service, or about all of them: `mobile('GET', '/App1/tables')`. */
  async mobile(verb: string, path: string, call: ToolCall = {}): Promise<ToolAnswer> {
    const place = `/${this.subscription}/services/mobileservices/mobileservices${path}`
    return await this.send(verb, place, { ...call, headers: { accept: 'application/json', ...call.headers } })
  }

  /** A call that is answered in XML: `application('DELETE', '/applications/App1mobileservice')`. */
  async application(verb: string, path: string, call: ToolCall = {}): Promise<ToolAnswer> {
    const type = 'application/xml'
    const headers = { accept: 'application/xml', ...call.headers }
    return await this.send(verb, `/${this.subscription}${path}`, { type, ...call, headers })
  }

  /** Any call, with the path as it is given. */
  async send(verb: string, path: string, { body, type, headers = {}, signal }: ToolCall = {}): Promise<ToolAnswer> {
    const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '')
    const contentType =
      type ?? (body === undefined ? null : typeof body === 'object' ? 'application/json' : 'text/plain')
    const sent: Record<string, string> = {
      'x-ms-version': this.#dialect === 'older' ? '2012-03-01' : '2014-01-01',
      'user-agent': this.#dialect === 'older' ? 'WindowsAzureXplatCLI/0.7.0' : 'WindowsAzureXplatCLI/0.9.20',
      connection: 'close',
      ...(contentType === null ? {} : { 'content-type': contentType }),
      ...(verb === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
      ...(this.#identity && 'token' in this.#identity ? { authorization: `Bearer ${this.#identity.token}` } : {}),
      ...headers,
    }
    // Not through URL, which would make `..` something else before it is sent.
    const { hostname, port, protocol } = new URL(this.endpoint)
    const hangUp = signal ? { signal } : {}
    const where = { host: hostname, port, path, method: verb, headers: sent, agent: false as const, ...hangUp }
    const shown = this.#identity && 'key' in this.#identity ? this.#identity : {}
    // Node 4 knows nothing newer.
    const tls = { ...shown, maxVersion: 'TLSv1.2' as const, ...(this.#authority ? { ca: this.#authority } : {}) }
    return await new Promise<ToolAnswer>((resolve, reject) => {
      const request = protocol === 'https:' ? requestHttps({ ...where, ...tls }) : requestHttp(where)
      request.once('error', reject)
      request.once('response', (response) => {
        let read = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => (read += chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: read, json: jsonOf(read) }),
        )
      })
      request.end(text)
    })
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
