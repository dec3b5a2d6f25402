// A person's browser as far as sign-in goes: it keeps cookies, and sends what our page would send.
import assert from 'node:assert/strict'
import { request } from 'node:http'

export type BrowserAnswer = { status: number; body: unknown; headers: Record<string, string | string[] | undefined> }
type Asked = { body?: unknown; headers?: Record<string, string> }

export class BrowserSession {
  readonly #url: string
  readonly #cookies = new Map<string, string>()

  constructor(url: string) {
    this.#url = url
  }

  get cookie(): string | null {
    const all = [...this.#cookies].map(([name, value]) => `${name}=${value}`)
    return all.length === 0 ? null : all.join('; ')
  }

  /** Asks as our page would; headers replace what it sends, an empty one is left out. */
  async ask(method: string, path: string, { body, headers = {} }: Asked = {}): Promise<BrowserAnswer> {
    const usual = {
      ...(method === 'GET' ? {} : { 'x-mainstay-portal': '1', 'sec-fetch-site': 'same-origin' }),
      ...(this.cookie === null ? {} : { cookie: this.cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const sent = Object.fromEntries(Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== ''))
    const answer = await new Promise<BrowserAnswer>((resolve, reject) => {
      // Not fetch: that would not let us say another host.
      const asked = request(`${this.#url}${path}`, { method, headers: sent, agent: false }, (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => {
          const isJson = response.headers['content-type']?.includes('json')
          const parsed = isJson && text !== '' ? (JSON.parse(text) as unknown) : text
          resolve({ status: response.statusCode ?? 0, body: parsed, headers: response.headers })
        })
      })
      asked.on('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
    for (const given of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(given) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }

  /** Asks, and wants this status. Returns the body. */
  async get<T>(status: number, method: string, path: string, asked: Asked = {}): Promise<T> {
    const answer = await this.ask(method, path, asked)
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }

  /** Asks, and wants to be refused with this code. */
  async refused(code: string, method: string, path: string, asked: Asked = {}): Promise<void> {
    const { status, body } = await this.ask(method, path, asked)
    assert.equal((body as { code?: string }).code, code, `${method} ${path}: ${status} ${JSON.stringify(body)}`)
  }
}
