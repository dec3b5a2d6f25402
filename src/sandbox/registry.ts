// What npm asks registries for, asked in its place: the operator's own registry wherever it is, anything else under the
// policy of egress. It reads only, and what the registry wants to see of us never gets into the sandbox.
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { EgressHttp } from '../kit/egress-http.ts'
import { Fault } from '../kit/fault.ts'
import { NPM_ANSWER_BYTES_MAX, NPM_ANSWER_MS_MAX } from '../kit/limits.ts'
import type { RegistryAnswer } from './install-messages.ts'

/** `token`: what the registry is to be shown. */
export type RegistrySettings = { registry: URL; token: string | null; policy: EgressPolicy }

/** Of what npm says, what a registry needs to hear. */
const PASSED = new Set(['accept', 'if-modified-since', 'if-none-match', 'npm-command', 'user-agent'])
const LIMITS = { connectMs: 10_000, bytesMax: NPM_ANSWER_BYTES_MAX }

export class Registry {
  readonly #settings: RegistrySettings
  readonly #own: EgressHttp
  readonly #others: EgressHttp

  constructor(settings: RegistrySettings) {
    this.#settings = settings
    // An operator's word that it is there is enough.
    this.#own = new EgressHttp({ refusalOf: () => null }, LIMITS)
    this.#others = new EgressHttp(settings.policy, LIMITS)
  }

  get url(): string {
    return this.#settings.registry.href
  }

  /** Reads it. Faults with `egress.refused` and `egress.failed`, and with `npm.too_large`. */
  async read(text: string, given: Record<string, string>, signal: AbortSignal): Promise<RegistryAnswer> {
    const { registry, token } = this.#settings
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new Fault('egress.refused', 400, `'${text.slice(0, 200)}' is no URL of the web`)
    }
    const isOwn = isBelow(url, registry)
    const headers = Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => (PASSED.has(name) ? [[name, String(value)]] : [])),
    )
    if (isOwn && token !== null) headers.authorization = `Bearer ${token}`
    const limit = AbortSignal.any([signal, AbortSignal.timeout(NPM_ANSWER_MS_MAX)])
    const answer = await (isOwn ? this.#own : this.#others).ask(url, { method: 'GET', headers, signal: limit })
    const { body, isCut } = await answer.read()
    if (isCut) {
      throw new Fault('npm.too_large', 413, `${url.origin} answers with more than ${NPM_ANSWER_BYTES_MAX} bytes`)
    }
    return { status: answer.status, headers: answer.headers, body: body.toString('base64') }
  }

  close(): void {
    this.#own.close()
    this.#others.close()
  }
}

// What else is at that origin is not the registry, and is none of npm's business.
function isBelow(url: URL, { origin, pathname }: URL): boolean {
  return url.origin === origin && url.pathname.startsWith(pathname.endsWith('/') ? pathname : `${pathname}/`)
}
