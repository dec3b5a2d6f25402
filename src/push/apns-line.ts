// Apple Push Notification service: HTTP/2 with one kept connection, and a token that our key signs every 40 minutes.
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { connect as connectTcp, type LookupFunction } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { importPKCS8, SignJWT } from 'jose'
import type { ApnsCredentials } from '../contract/push.ts'
import { type EgressPolicy, egressLookup, requireAllowedHost } from '../kit/egress-agent.ts'
import { egressFailed } from '../kit/egress-http.ts'
import { PUSH_ANSWER_BYTES_MAX, PUSH_ANSWER_MS_MAX, PUSH_APNS_TOKEN_MS, PUSH_DIAL_MS_MAX } from '../kit/limits.ts'
import type { PlatformAnswer, PushMessage } from './delivery.ts'
import type { Token } from './token-cache.ts'

const HOSTS = { production: 'https://api.push.apple.com', sandbox: 'https://api.sandbox.push.apple.com' }

/** Signs a token. Throws when the key is none. */
export async function signApnsToken({ key, keyId, teamId }: ApnsCredentials): Promise<Token> {
  const text = await new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .setIssuer(teamId)
    .setIssuedAt()
    .sign(await importPKCS8(key, 'ES256'))
  // The cache takes a minute off.
  return { text, untilMs: Date.now() + PUSH_APNS_TOKEN_MS + 60_000 }
}

/** The connection of one set of credentials. Made when it is needed, and again when it broke. */
export class ApnsLine {
  readonly #url: URL
  readonly #policy: EgressPolicy
  readonly #lookup: LookupFunction
  readonly #topic: string
  #session: ClientHttp2Session | null = null

  constructor(credentials: ApnsCredentials, policy: EgressPolicy) {
    this.#url = new URL(credentials.endpoint ?? HOSTS[credentials.mode])
    this.#topic = credentials.topic
    this.#policy = policy
    this.#lookup = egressLookup(policy)
  }

  /** Sends one. Throws what egress refuses, and Faults with `egress.failed` where nobody answers. */
  async send(
    device: string,
    { payload, headers }: Extract<PushMessage, { platform: 'apns' }>,
    token: string,
  ): Promise<PlatformAnswer> {
    requireAllowedHost(this.#policy, this.#url)
    const session = this.#open()
    try {
      return await new Promise<PlatformAnswer>((resolve, reject) => {
        const stream = session.request({
          [constants.HTTP2_HEADER_METHOD]: 'POST',
          [constants.HTTP2_HEADER_PATH]: `/3/device/${device}`,
          'apns-topic': this.#topic,
          ...headers,
          authorization: `bearer ${token}`,
        })
        let status = 0
        let answered: Record<string, string> = {}
        let body = ''
        stream.setTimeout(PUSH_ANSWER_MS_MAX, () => {
          reject(new Error('it did not answer in time'))
          // A connection that hangs takes the next ones along: they get another.
          session.destroy()
        })
        stream.setEncoding('utf8')
        stream.on('response', (found) => {
          status = Number(found[constants.HTTP2_HEADER_STATUS])
          const own = Object.entries(found).filter(([name]) => !name.startsWith(':'))
          answered = Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
        })
        stream.on('data', (chunk: string) => {
          if (body.length < PUSH_ANSWER_BYTES_MAX) body += chunk
        })
        stream.on('error', reject)
        stream.on('close', () => {
          if (status > 0) resolve({ status, headers: answered, body })
          else reject(new Error('it hung up'))
        })
        stream.end(JSON.stringify(payload))
      })
    } catch (error) {
      throw egressFailed(this.#url, error)
    }
  }

  close(): void {
    this.#session?.destroy()
    this.#session = null
  }

  #open(): ClientHttp2Session {
    const known = this.#session
    if (known && !known.closed && !known.destroyed) return known
    const made = connectHttp2(this.#url, { createConnection: () => this.#dial() })
    const forget = () => {
      if (this.#session === made) this.#session = null
    }
    // Whoever waits for an answer on it is told by its stream.
    made.on('error', forget)
    made.on('goaway', forget)
    made.on('close', forget)
    this.#session = made
    return made
  }

  #dial() {
    const { protocol, hostname, port } = this.#url
    const host = hostname.replace(/^\[|\]$/g, '')
    const isTls = protocol === 'https:'
    const target = { host, port: Number(port || (isTls ? 443 : 80)), lookup: this.#lookup }
    const socket = isTls
      ? connectTls({ ...target, servername: host, ALPNProtocols: ['h2'] })
      : connectTcp({ ...target, autoSelectFamily: true })
    const timer = setTimeout(() => socket.destroy(new Error('it could not be dialled in time')), PUSH_DIAL_MS_MAX)
    const end = () => clearTimeout(timer)
    return socket.once(isTls ? 'secureConnect' : 'connect', end).once('close', end)
  }
}
