// HTTP to providers: under the policy of egress, bounded in time, bytes and number.
import { AtOnce } from '../kit/at-once.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { EgressHttp } from '../kit/egress-http.ts'
import { Fault } from '../kit/fault.ts'
import {
  AUTH_CALL_MS_MAX,
  AUTH_CALLS_MAX,
  AUTH_CALLS_PER_SERVICE_MAX,
  AUTH_CONNECT_MS_MAX,
  AUTH_REPLY_BYTES_MAX,
} from '../kit/limits.ts'

export type Call = { method?: string; headers?: Record<string, string>; body?: string | URLSearchParams }

export class ProviderHttp {
  readonly #http: EgressHttp
  readonly #atOnce = new AtOnce({ perOwner: AUTH_CALLS_PER_SERVICE_MAX, all: AUTH_CALLS_MAX })

  constructor(policy: EgressPolicy) {
    this.#http = new EgressHttp(policy, { connectMs: AUTH_CONNECT_MS_MAX, bytesMax: AUTH_REPLY_BYTES_MAX })
  }

  /**
   * Asks a provider for a service; a redirect is an answer like another. Faults with `auth.busy`, `auth.bad_reply`, and
   * as `EgressHttp`.
   */
  async call(service: string, url: string, { method = 'GET', headers = {}, body }: Call): Promise<Response> {
    if (this.#atOnce.fullOf(service) !== null) {
      throw new Fault('auth.busy', 503, 'Too many people sign in at once; try again in a moment.')
    }
    const signal = AbortSignal.timeout(AUTH_CALL_MS_MAX)
    const request = { method, headers, signal, ...(body === undefined ? {} : { body }) }
    return await this.#atOnce.during(service, async () => {
      const answer = await this.#http.ask(new URL(url), request)
      const { body: bytes, isCut } = await answer.read()
      if (isCut) throw new Fault('auth.bad_reply', 502, 'The provider answers with too much.')
      const { status, headers: came } = answer
      return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), { status, headers: came })
    })
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close()
  }
}
