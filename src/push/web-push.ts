// Web Push (RFC 8030): encrypted for the browser that subscribed (RFC 8291), signed with the service's VAPID keys.
import webPush from 'web-push'
import type { WebPushCredentials } from '../contract/push.ts'
import type { Device, PushMessage } from './delivery.ts'
import type { PlatformRequest } from './http-line.ts'
import { redirected } from './wns.ts'

/** Where a browser's push service keeps what it can not deliver now. */
const TTL_SECONDS = 24 * 3_600
const URGENCIES = ['very-low', 'low', 'normal', 'high'] as const

/** The request for one device; null when it is no subscription that can be encrypted for. */
export function webPushRequest(
  { subject, publicKey, privateKey, endpoint }: WebPushCredentials,
  { channel, keys }: Device,
  { body, headers }: Extract<PushMessage, { platform: 'webpush' }>,
): PlatformRequest | null {
  const url = subscriptionUrl(channel)
  if (!url || !keys) return null
  const urgency = URGENCIES.find((one) => one === headers.urgency) ?? 'normal'
  const ttl = Number(headers.ttl)
  try {
    const made = webPush.generateRequestDetails({ endpoint: url.href, keys }, body, {
      vapidDetails: { subject, publicKey, privateKey },
      contentEncoding: 'aes128gcm',
      TTL: headers.ttl !== undefined && Number.isInteger(ttl) && ttl >= 0 ? ttl : TTL_SECONDS,
      urgency,
      ...(headers.topic === undefined ? {} : { topic: headers.topic }),
    })
    const own = Object.entries(made.headers).filter(([name]) => name.toLowerCase() !== 'content-length')
    const sent = Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), String(value)]))
    return { url: redirected(url, endpoint), headers: sent, body: made.body ?? Buffer.alloc(0) }
  } catch {
    // Keys that are no point of the curve, or a topic that is none.
    return null
  }
}

/** The endpoint of a subscription; null when it is none. */
export function subscriptionUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url : null
}
