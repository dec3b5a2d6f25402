// Push notifications: the platforms, what a service needs to send to each, and what is told of registrations and sends.
import type { PermissionLevel } from './permissions.ts'

/** What is sent to. `gcm` is the original's name; it goes to Firebase Cloud Messaging. */
export const PUSH_PLATFORMS = ['wns', 'apns', 'gcm', 'webpush'] as const
export type PushPlatform = (typeof PUSH_PLATFORMS)[number]
/** Those that devices may still register for: what is sent to `mpns` ends here, since its service is gone. */
export const DEVICE_PLATFORMS = [...PUSH_PLATFORMS, 'mpns'] as const
export type DevicePlatform = (typeof DEVICE_PLATFORMS)[number]

/** Why nothing is sent to Windows Phone 8 and before. */
export const MPNS_RETIRED =
  'The Microsoft Push Notification Service (MPNS) was shut down: nothing can be sent through it. ' +
  'Windows 10 and later are reached by push.wns.'

/** `endpoint`: where the platform is instead of its own address, for tests and networks without the internet. */
type Redirected = { endpoint?: string }
export type WnsCredentials = Redirected & { packageSid: string; clientSecret: string }
/** `key`: a .p8 as text. `topic`: the bundle id. */
export type ApnsCredentials = Redirected & {
  keyId: string
  teamId: string
  key: string
  topic: string
  mode: 'sandbox' | 'production'
}
/** Of the service account that Firebase made. */
export type GcmCredentials = Redirected & {
  projectId: string
  clientEmail: string
  privateKey: string
  privateKeyId?: string
}
/** VAPID keys, base64url; `subject`: `mailto:` or `https:`, for the operators of browsers' push services. */
export type WebPushCredentials = Redirected & { subject: string; publicKey: string; privateKey: string }

export type PushCredentials = {
  wns?: WnsCredentials
  apns?: ApnsCredentials
  gcm?: GcmCredentials
  webpush?: WebPushCredentials
}
/** `permission`: who may register devices; `application` where nothing is said. */
export type PushSettings = PushCredentials & { permission?: PermissionLevel }

/** True when a service can send anything at all: without that it takes no registrations. */
export function isPushOn(settings: PushSettings | undefined): settings is PushSettings {
  return settings !== undefined && PUSH_PLATFORMS.some((platform) => settings[platform] !== undefined)
}

export const PUSH_STATES = ['sending', 'done', 'expired'] as const
export type PushState = (typeof PUSH_STATES)[number]

/** A message to devices, as it stands or went. `total`: devices that it was for. Instants are ISO 8601. */
export type PushSend = {
  id: string
  platform: PushPlatform
  kind: 'native' | 'template'
  tags: string | null
  state: PushState
  createdAt: string
  finishedAt: string | null
  total: number
  sent: number
  failed: number
  dead: number
  /** Why the last one that was not taken was not. */
  problem: string | null
}
/** What a runtime tells of a service's devices: registrations by platform, and the newest sends. */
export type PushReport = { registrations: Partial<Record<DevicePlatform, number>>; sends: PushSend[] }

/** What was sent from one report of a runtime to the next. */
export type PushCounts = { platform: PushPlatform; sent: number; failed: number; dead: number }
