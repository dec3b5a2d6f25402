// What is asked for to push to a platform, and what was typed as control takes it.
import type { SetPushPlatform } from '../../contract/api.ts'
import type { PushPlatform } from '../../contract/push.ts'

/** `isLong`: a file's text. `isKept`: may be left empty once the platform is set up. */
export type Field = {
  name: string
  label: string
  hint?: string
  isLong?: boolean
  isSecret?: boolean
  isKept?: boolean
}

export const PLATFORM_TITLES: Record<PushPlatform, string> = {
  wns: 'Windows (WNS)',
  apns: 'Apple (APNs)',
  gcm: 'Google (FCM)',
  webpush: 'Browsers (Web Push)',
}

export const PLATFORM_FIELDS: Record<PushPlatform, Field[]> = {
  wns: [
    { name: 'packageSid', label: 'Package SID', hint: 'It begins with ms-app://' },
    { name: 'clientSecret', label: 'Client secret', isSecret: true, isKept: true },
  ],
  apns: [
    { name: 'topic', label: 'Bundle id', hint: 'As com.example.app' },
    { name: 'keyId', label: 'Key id' },
    { name: 'teamId', label: 'Team id' },
    { name: 'key', label: 'Key: the text of the .p8 file', isLong: true, isSecret: true, isKept: true },
  ],
  gcm: [
    {
      name: 'serviceAccount',
      label: 'Service account: the text of its JSON file',
      hint: 'Firebase console: Project settings, Service accounts.',
      isLong: true,
      isSecret: true,
      isKept: true,
    },
  ],
  webpush: [
    { name: 'subject', label: 'Subject', hint: 'mailto: or https:, for operators of browsers. Keys are made here.' },
  ],
}

export type Typed = Record<string, string>

/** What the form begins with: what may be shown, and nothing of secrets. */
export function typedOf(platform: PushPlatform, facts: Record<string, string>): Typed {
  const shown = PLATFORM_FIELDS[platform].filter(({ isSecret }) => isSecret !== true)
  return {
    ...Object.fromEntries(shown.map(({ name }) => [name, facts[name] ?? ''])),
    mode: facts.mode ?? 'production',
    endpoint: facts.endpoint ?? '',
  }
}

/** Whether there is all that it takes; secrets that are set may be left empty. */
export function isReady(platform: PushPlatform, typed: Typed, isSet: boolean): boolean {
  return PLATFORM_FIELDS[platform].every(
    ({ name, isKept }) => (typed[name] ?? '').trim() !== '' || (isSet && isKept === true),
  )
}

/** What control is sent: what was left empty stays as it is. */
export function wantedOf(platform: PushPlatform, typed: Typed): SetPushPlatform {
  const named = PLATFORM_FIELDS[platform].map(({ name }) => [name, (typed[name] ?? '').trim()] as const)
  const endpoint = (typed.endpoint ?? '').trim()
  return {
    ...Object.fromEntries(named.filter(([, value]) => value !== '')),
    ...(platform === 'apns' ? { mode: typed.mode === 'sandbox' ? 'sandbox' : 'production' } : {}),
    endpoint: endpoint === '' ? null : endpoint,
  }
}
