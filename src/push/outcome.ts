// What the answers of the platforms mean. Pure: held by a table of answers.
import type { PushPlatform } from '../contract/push.ts'
import type { Outcome, PlatformAnswer } from './delivery.ts'

/** `stale_token`: our proof of who we are is too old; a new one may do. */
export type Judged = Outcome | { kind: 'stale_token'; reason: string }

const REASON_CHARACTERS_MAX = 200

/** What an answer to a message means. */
export function judge(platform: PushPlatform, answer: PlatformAnswer, nowMs: number): Judged {
  if (answer.status === 200 || (platform === 'webpush' && answer.status > 200 && answer.status < 300)) {
    const state = platform === 'wns' ? (answer.headers['x-wns-status'] ?? 'received') : 'received'
    return state === 'received' ? { kind: 'sent' } : { kind: 'failed', reason: `WNS says ${state}` }
  }
  const word = wordOf(platform, answer)
  const reason = `${answer.status}${word === '' ? '' : ` ${word}`}`.slice(0, REASON_CHARACTERS_MAX)
  const later = { kind: 'later' as const, reason, afterMs: retryAfterMs(answer.headers['retry-after'], nowMs) }
  if (isDead(platform, answer.status, word)) return { kind: 'dead', reason }
  if (isStale(platform, answer.status, word)) return { kind: 'stale_token', reason }
  // Each browser has a push service of its own choice: what one says holds nobody else up.
  const isShared = platform !== 'webpush'
  // Of who we are, not of the device: it goes on when the credentials are right.
  if (answer.status === 401 || (answer.status === 403 && platform === 'apns')) return { ...later, isOurs: isShared }
  if (answer.status === 403 && platform === 'gcm' && word !== 'SENDER_ID_MISMATCH') return { ...later, isOurs: true }
  if (answer.status === 429 || answer.status >= 500 || (answer.status === 406 && platform === 'wns')) {
    // Apple says it of one device, as WNS does with 406.
    const isOfDevice = answer.status === 406 || (answer.status === 429 && platform === 'apns')
    return { ...later, isOurs: isShared && !isOfDevice }
  }
  return { kind: 'failed', reason }
}

/** How long to wait before the next try: doubling, with jitter of a half (`random` from 0 to 1), never less than asked. */
export function backOffMs(
  tries: number,
  { afterMs, random, minMs, maxMs }: { afterMs: number | null; random: number; minMs: number; maxMs: number },
): number {
  const grown = Math.min(maxMs, minMs * 2 ** Math.min(tries, 30))
  const waited = grown * (0.5 + random / 2)
  // All that were asked to come back at one moment do not come at once.
  return Math.round(afterMs === null ? waited : Math.max(afterMs, 0) + Math.min(waited, minMs) * random)
}

/** Retry-After as milliseconds: seconds, or a date. Null without one; a day at most. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined || header.trim() === '') return null
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 24 * 3_600_000) : null
}

const DEAD_WORDS: Partial<Record<PushPlatform, string[]>> = {
  apns: ['BadDeviceToken', 'Unregistered', 'ExpiredToken'],
  gcm: ['UNREGISTERED'],
}

// A wrong path at FCM is a 404 without that word.
function isDead(platform: PushPlatform, status: number, word: string): boolean {
  if (DEAD_WORDS[platform]?.includes(word)) return true
  return status === 410 || (status === 404 && (platform === 'wns' || platform === 'webpush'))
}

function isStale(platform: PushPlatform, status: number, word: string): boolean {
  if (platform === 'apns') return word === 'ExpiredProviderToken'
  return status === 401 && platform !== 'webpush'
}

// The word by which a platform says what is wrong.
function wordOf(platform: PushPlatform, { headers, body }: PlatformAnswer): string {
  if (platform === 'wns') {
    return headers['x-wns-error-description'] ?? headers['x-wns-notificationstatus'] ?? ''
  }
  if (platform === 'webpush') return body.replaceAll(/\s+/g, ' ').trim()
  const found = jsonOf(body)
  if (platform === 'apns') return String(found.reason ?? '')
  const error = objectOf(found.error)
  const details = Array.isArray(error.details) ? error.details.map(objectOf) : []
  const code = details.map(({ errorCode }) => errorCode).find((one) => typeof one === 'string')
  return String(code ?? error.status ?? '')
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
