// One message to one device, and what came of it.

/** What is sent, in the words of its platform. `headers` of `apns` are `apns-…`; of `webpush` `ttl`, `urgency`, `topic`. */
export type PushMessage =
  | { platform: 'wns'; body: string; headers: Record<string, string> }
  | { platform: 'apns'; payload: Record<string, unknown>; headers: Record<string, string> }
  | { platform: 'gcm'; message: Record<string, unknown> }
  | { platform: 'webpush'; body: string; headers: Record<string, string> }

/** `channel`: a channel's URI, a device token, a registration token, or a subscription's endpoint; `keys`: of the last. */
export type Device = { channel: string; keys: SubscriptionKeys | null }
export type SubscriptionKeys = { p256dh: string; auth: string }

/**
 * `dead`: the platform knows no such device any more. `failed`: it will never take this. `later`: it did not take it now.
 * `isOurs`: that says nothing of the device: the platform, the way there, or the credentials.
 */
export type Outcome =
  | { kind: 'sent' }
  | { kind: 'dead'; reason: string }
  | { kind: 'failed'; reason: string }
  | { kind: 'later'; reason: string; afterMs: number | null; isOurs: boolean }

/** An answer of a platform. Names of headers are in lower case. */
export type PlatformAnswer = { status: number; headers: Record<string, string>; body: string }
