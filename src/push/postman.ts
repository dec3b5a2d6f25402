// Sends one message to one device: with the credentials of its service, over connections that are kept for the next.
import { createHash } from 'node:crypto'
import type { PushCredentials, PushPlatform } from '../contract/push.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { PUSH_LINE_IDLE_MS } from '../kit/limits.ts'
import { ApnsLine, signApnsToken } from './apns-line.ts'
import { AwayHosts } from './away-hosts.ts'
import type { Device, Outcome, PlatformAnswer, PushMessage } from './delivery.ts'
import { askFcmToken, fcmRequest } from './fcm.ts'
import { HttpLine } from './http-line.ts'
import { judge } from './outcome.ts'
import { TokenCache } from './token-cache.ts'
import { webPushRequest } from './web-push.ts'
import { askWnsToken, wnsRequest } from './wns.ts'

/** What sends with one set of credentials. `send` gives null for a device that can be none of the platform. */
type Line = {
  tokens: TokenCache | null
  send: (device: Device, message: PushMessage, token: string) => Promise<PlatformAnswer | null>
  close: () => void
  usedMs: number
}

const DEVICE_TOKEN = /^[0-9a-f]{8,200}$/i

export class Postman {
  readonly #policy: EgressPolicy
  readonly #http: HttpLine
  readonly #lines = new Map<string, Line>()
  readonly #sweeper: NodeJS.Timeout

  constructor(policy: EgressPolicy) {
    this.#policy = policy
    this.#http = new HttpLine(policy)
    this.#sweeper = setInterval(() => this.#sweep(), PUSH_LINE_IDLE_MS / 5)
    this.#sweeper.unref()
  }

  /** Tries it once; a token that has just run out is asked for again first. Never throws. */
  async deliver(credentials: PushCredentials, device: Device, message: PushMessage): Promise<Outcome> {
    const { platform } = message
    const line = this.#lineOf(credentials, platform)
    if (!line) return { kind: 'later', reason: `${platform} is not set up`, afterMs: null, isOurs: true }
    for (let attempt = 1; ; attempt += 1) {
      let token = ''
      try {
        token = (await line.tokens?.get()) ?? ''
        const answer = await line.send(device, message, token)
        if (answer === null) return { kind: 'failed', reason: `it is no device of ${platform}` }
        const judged = judge(platform, answer, Date.now())
        if (judged.kind !== 'stale_token') return judged
        line.tokens?.drop(token)
        if (attempt >= 2) return { kind: 'later', reason: judged.reason, afterMs: null, isOurs: true }
      } catch (error) {
        return problemOf(platform, error)
      }
    }
  }

  /** Ends its connections. */
  close(): void {
    clearInterval(this.#sweeper)
    for (const line of this.#lines.values()) line.close()
    this.#lines.clear()
    this.#http.close()
  }

  #lineOf(credentials: PushCredentials, platform: PushPlatform): Line | null {
    const own = credentials[platform]
    if (own === undefined) return null
    // Other credentials have another one; the old one is closed when nobody uses it.
    const key = createHash('sha256')
      .update(JSON.stringify([platform, own]))
      .digest('hex')
    const line = this.#lines.get(key) ?? makeLine(credentials, platform, { http: this.#http, policy: this.#policy })
    if (!line) return null
    line.usedMs = performance.now()
    this.#lines.set(key, line)
    return line
  }

  #sweep(): void {
    for (const [key, line] of this.#lines) {
      if (performance.now() - line.usedMs < PUSH_LINE_IDLE_MS) continue
      line.close()
      this.#lines.delete(key)
    }
  }
}

// Whoever subscribes says where its push service is: one that is away, or that may not be dialled, is its own matter.
function problemOf(platform: PushPlatform, error: unknown): Outcome {
  const reason = messageOf(error)
  const isRefused = error instanceof Fault && error.code === 'egress.refused'
  if (platform === 'webpush' && isRefused) return { kind: 'failed', reason }
  return { kind: 'later', reason, afterMs: null, isOurs: platform !== 'webpush' }
}

function makeLine(
  { wns, apns, gcm, webpush }: PushCredentials,
  platform: PushPlatform,
  { http, policy }: { http: HttpLine; policy: EgressPolicy },
): Line | null {
  const plain = { close: () => {}, usedMs: 0 }
  if (platform === 'wns' && wns) {
    return {
      ...plain,
      tokens: new TokenCache(async () => await askWnsToken(http, wns)),
      send: async ({ channel }, message, token) => {
        const request = message.platform === 'wns' ? wnsRequest(wns, channel, message, token) : null
        return request && (await http.post(request))
      },
    }
  }
  if (platform === 'gcm' && gcm) {
    return {
      ...plain,
      tokens: new TokenCache(async () => await askFcmToken(http, gcm)),
      send: async ({ channel }, message, token) =>
        message.platform === 'gcm' ? await http.post(fcmRequest(gcm, channel, message, token)) : null,
    }
  }
  if (platform === 'webpush' && webpush) {
    const away = new AwayHosts()
    return {
      ...plain,
      tokens: null,
      send: async (device, message) => {
        const request = message.platform === 'webpush' ? webPushRequest(webpush, device, message) : null
        return request && (await away.guarded(request.url.host, async () => await http.post(request)))
      },
    }
  }
  if (platform !== 'apns' || !apns) return null
  const line = new ApnsLine(apns, policy)
  return {
    ...plain,
    tokens: new TokenCache(async () => await signApnsToken(apns)),
    send: async ({ channel }, message, token) =>
      message.platform === 'apns' && DEVICE_TOKEN.test(channel) ? await line.send(channel, message, token) : null,
    close: () => line.close(),
  }
}
