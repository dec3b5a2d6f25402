// HTTP to the platforms: under the same policy as what scripts fetch, bounded in time and bytes.
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { EgressHttp } from '../kit/egress-http.ts'
import { PUSH_ANSWER_BYTES_MAX, PUSH_ANSWER_MS_MAX, PUSH_DIAL_MS_MAX } from '../kit/limits.ts'
import type { PlatformAnswer } from './delivery.ts'

export type PlatformRequest = { url: URL; headers: Record<string, string>; body: string | Buffer }

export class HttpLine {
  readonly #http: EgressHttp

  constructor(policy: EgressPolicy) {
    this.#http = new EgressHttp(policy, { connectMs: PUSH_DIAL_MS_MAX, bytesMax: PUSH_ANSWER_BYTES_MAX })
  }

  /** Posts something. Faults as `EgressHttp`. */
  async post({ url, headers, body }: PlatformRequest): Promise<PlatformAnswer> {
    const signal = AbortSignal.timeout(PUSH_ANSWER_MS_MAX)
    const answer = await this.#http.ask(url, { method: 'POST', headers, body, signal })
    // What comes after the bound says nothing that we need.
    const { body: said } = await answer.read()
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: said.toString('utf8') }
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close()
  }
}
