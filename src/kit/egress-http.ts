// HTTP under the policy of egress: one request and one answer, a redirect being one like another, bounded in bytes.
import { type Agent, type BodyInit, fetch } from 'undici'
import { type EgressPolicy, egressAgent, requireAllowedHost } from './egress-agent.ts'
import { Fault, messageOf } from './fault.ts'

export type EgressRequest = {
  method: string
  headers: Record<string, string> | [string, string][]
  body?: BodyInit
  signal: AbortSignal
}
export type EgressAnswer = {
  status: number
  statusText: string
  /** Names are in lower case; one that came several times stands several times. */
  headers: [string, string][]
  /** The body; cut where it had more bytes than are taken. Faults with `egress.failed`. */
  read: () => Promise<{ body: Buffer; isCut: boolean }>
  /** Lets go of a body that nobody wants. */
  drop: () => Promise<void>
}

export class EgressHttp {
  readonly #policy: EgressPolicy
  readonly #agent: Agent
  readonly #bytesMax: number

  constructor(policy: EgressPolicy, { connectMs, bytesMax }: { connectMs: number; bytesMax: number }) {
    this.#policy = policy
    this.#agent = egressAgent(policy, { connectMs })
    this.#bytesMax = bytesMax
  }

  /** Asks. Faults with `egress.refused`, and with `egress.failed` where nobody answers. */
  async ask(url: URL, request: EgressRequest): Promise<EgressAnswer> {
    requireAllowedHost(this.#policy, url)
    try {
      const answer = await fetch(url, { ...request, redirect: 'manual', dispatcher: this.#agent })
      const { status, statusText } = answer
      const drop = async () => await answer.body?.cancel()
      const read = async () => await this.#read(answer.body ?? [], url)
      return { status, statusText, headers: [...answer.headers], read, drop }
    } catch (error) {
      throw egressFailed(url, error)
    }
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy().catch(() => {
      // They are gone, which is what was wanted.
    })
  }

  async #read(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, url: URL) {
    const chunks: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const chunk of parts) {
        bytes += chunk.byteLength
        if (bytes > this.#bytesMax) break
        chunks.push(chunk)
      }
    } catch (error) {
      throw egressFailed(url, error)
    }
    return { body: Buffer.concat(chunks), isCut: bytes > this.#bytesMax }
  }
}

/** The fault of a request that came to nothing: what refused it, or `egress.failed` with the reason. */
export function egressFailed(url: URL, error: unknown): Fault {
  if (error instanceof Fault) return error
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Fault) return cause
  const isLate = error instanceof Error && error.name === 'TimeoutError'
  const reason = isLate ? 'it did not answer in time' : messageOf(cause instanceof Error ? cause : error)
  return new Fault('egress.failed', 502, `${url.origin} could not be reached: ${reason}`, { cause: error })
}
