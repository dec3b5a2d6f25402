// Windows Push Notification Services: a POST to the channel of a device, with a token from Microsoft's OAuth.
import type { WnsCredentials } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import type { PlatformAnswer, PushMessage } from './delivery.ts'
import type { HttpLine, PlatformRequest } from './http-line.ts'
import type { Token } from './token-cache.ts'

const LOGIN = 'https://login.live.com'
/** Where channels lie: our token is told to nobody else, whatever a client registers. */
const CHANNEL_HOST = /(?:^|\.)notify\.windows\.com$/i

/** Asks for a token. Faults with `push.refused` where the credentials are wrong. */
export async function askWnsToken(line: HttpLine, credentials: WnsCredentials): Promise<Token> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials.packageSid,
    client_secret: credentials.clientSecret,
    scope: 'notify.windows.com',
  })
  return tokenOf(
    'WNS',
    await line.post({
      url: new URL('/accesstoken.srf', credentials.endpoint ?? LOGIN),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: String(form),
    }),
  )
}

/** The request for one device; null when its channel is none of WNS. */
export function wnsRequest(
  { endpoint }: WnsCredentials,
  channel: string,
  { body, headers }: Extract<PushMessage, { platform: 'wns' }>,
  token: string,
): PlatformRequest | null {
  const url = channelUrl(channel)
  if (!url) return null
  const isRaw = headers['x-wns-type'] === 'wns/raw'
  return {
    url: redirected(url, endpoint),
    headers: {
      'content-type': isRaw ? 'application/octet-stream' : 'text/xml',
      ...headers,
      'x-wns-requestforstatus': 'true',
      authorization: `Bearer ${token}`,
    },
    body,
  }
}

/** A channel's URI; null when it is none of WNS. */
export function channelUrl(channel: string): URL | null {
  const url = URL.canParse(channel) ? new URL(channel) : null
  return url?.protocol === 'https:' && CHANNEL_HOST.test(url.hostname) ? url : null
}

/** The URL at another place, where one is set. */
export function redirected(url: URL, endpoint: string | undefined): URL {
  if (endpoint === undefined) return url
  const moved = new URL(endpoint)
  // Not resolved against it: a path that begins with two slashes would name another host.
  moved.pathname = url.pathname
  moved.search = url.search
  return moved
}

/** The token in an answer of OAuth. Faults with `push.refused`. */
export function tokenOf(platform: string, { status, body }: PlatformAnswer): Token {
  const found = parse(body)
  const { access_token: text, expires_in: seconds } = found
  if (status === 200 && typeof text === 'string' && text !== '') {
    const forMs = Number.isFinite(Number(seconds)) ? Number(seconds) * 1_000 : 3_600_000
    return { text, untilMs: Date.now() + forMs }
  }
  const said = [found.error, found.error_description].filter((one) => typeof one === 'string').join(': ')
  throw new Fault('push.refused', 502, `${platform} gives no token for these credentials (${status} ${said})`.trim(), {
    hint: 'Check what was set with: mainstay mobile push show',
  })
}

function parse(body: string): Record<string, unknown> {
  try {
    const value = JSON.parse(body) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
