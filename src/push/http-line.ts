// HTTP to the platforms: dialled under the same policy as what scripts fetch, bounded in time and bytes.
import { type Agent, fetch } from 'undici'
import { type EgressPolicy, egressAgent, requireAllowedHost } from '../kit/egress-agent.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { PUSH_ANSWER_BYTES_MAX, PUSH_ANSWER_MS_MAX, PUSH_DIAL_MS_MAX } from '../kit/limits.ts'
import type { PlatformAnswer } from './delivery.ts'

export type PlatformRequest = { url: URL; headers: Record<string, string>; body: string | Buffer }

export class HttpLine {
  readonly #policy: EgressPolicy
  readonly #agent: Agent

  constructor(policy: EgressPolicy) {
    this.#policy = policy
    this.#agent = egressAgent(policy, { connectMs: PUSH_DIAL_MS_MAX })
  }

  /** Posts something. Throws what egress refuses, and Faults with `egress.failed` where nobody answers. */
  async post({ url, headers, body }: PlatformRequest): Promise<PlatformAnswer> {
    requireAllowedHost(this.#policy, url)
    const signal = AbortSignal.timeout(PUSH_ANSWER_MS_MAX)
    try {
      const method = 'POST'
      const answer = await fetch(url, { method, headers, body, redirect: 'manual', dispatcher: this.#agent, signal })
      const chunks: Uint8Array[] = []
      let bytes = 0
      for await (const chunk of answer.body ?? []) {
        bytes += chunk.byteLength
        // What comes after it says nothing that we need.
        if (bytes > PUSH_ANSWER_BYTES_MAX) break
        chunks.push(chunk)
      }
      const text = Buffer.concat(chunks).toString('utf8')
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: text }
    } catch (error) {
      throw unreachable(url.host, error)
    }
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy().catch(() => {
      // They are gone, which is what was wanted.
    })
  }
}

/** What it is when a platform was not reached. */
export function unreachable(host: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Fault) return cause
  const isLate = error instanceof Error && error.name === 'TimeoutError'
  const reason = isLate ? 'it did not answer in time' : messageOf(cause instanceof Error ? cause : error)
  return new Fault('egress.failed', 502, `${host} could not be reached: ${reason}`, { cause: error })
}
