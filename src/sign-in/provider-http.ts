// HTTP to providers: dialled under the policy of egress, bounded in time, bytes and number.
import { type Agent, fetch } from 'undici'
import { AtOnce } from '../kit/at-once.ts'
import { type EgressPolicy, egressAgent, requireAllowedHost } from '../kit/egress-agent.ts'
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
  readonly #policy: EgressPolicy
  readonly #agent: Agent
  readonly #atOnce = new AtOnce({ perOwner: AUTH_CALLS_PER_SERVICE_MAX, all: AUTH_CALLS_MAX })

  constructor(policy: EgressPolicy) {
    this.#policy = policy
    this.#agent = egressAgent(policy, { connectMs: AUTH_CONNECT_MS_MAX })
  }

  /**
   * Asks a provider for a service; a redirect is an answer like another. Throws what `fetch` throws, and Faults with
   * `auth.busy`, `auth.bad_reply` and `egress.refused`.
   */
  async call(service: string, url: string, { method = 'GET', headers = {}, body }: Call): Promise<Response> {
    if (this.#atOnce.fullOf(service) !== null) {
      throw new Fault('auth.busy', 503, 'Too many people sign in at once; try again in a moment.')
    }
    requireAllowedHost(this.#policy, new URL(url))
    const signal = AbortSignal.timeout(AUTH_CALL_MS_MAX)
    const own = { redirect: 'manual' as const, dispatcher: this.#agent, signal }
    return await this.#atOnce.during(service, async () => {
      const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }), ...own })
      const bytes = await bytesOf(answer)
      return new Response(bytes.length === 0 ? null : bytes, { status: answer.status, headers: [...answer.headers] })
    })
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy().catch(() => {
      // They are gone, which is what was wanted.
    })
  }
}

async function bytesOf(answer: Awaited<ReturnType<typeof fetch>>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > AUTH_REPLY_BYTES_MAX) throw new Fault('auth.bad_reply', 502, 'The provider answers with too much.')
    chunks.push(chunk)
  }
  const all = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}
