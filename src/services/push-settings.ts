// What a service pushes notifications with. Secrets, so they lie sealed, and come out as what tells them apart.
import { createECDH, createHash, createPrivateKey } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { SetPushPlatform } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import {
  type ApnsCredentials,
  type GcmCredentials,
  MPNS_RETIRED,
  PUSH_PLATFORMS,
  type PushPlatform,
  type PushSettings,
  type WebPushCredentials,
  type WnsCredentials,
} from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { PUSH_SETTINGS_BYTES_MAX } from '../kit/limits.ts'
import type { Service } from './services.ts'

/** What was given, by name; what is not there is undefined. */
type Given = { [Name in 'packageSid' | 'clientSecret' | 'keyId' | 'teamId' | 'key' | 'topic' | 'mode']?: string } & {
  [Name in 'serviceAccount' | 'subject' | 'publicKey' | 'privateKey']?: string
} & { isRenewed?: boolean; endpoint?: string | null }

/** The settings of a service; `open` unseals. */
export function pushSettingsOf(
  service: Pick<Service, 'push_settings'>,
  open: (sealed: string) => string,
): PushSettings {
  return service.push_settings === null ? {} : (JSON.parse(open(service.push_settings)) as PushSettings)
}

/** The platform of that name. Faults with `push.unknown`, or `push.retired`. */
export function requirePlatform(word: string): PushPlatform {
  const found = PUSH_PLATFORMS.find((platform) => platform === word.toLowerCase())
  if (found) return found
  if (word.toLowerCase() === 'mpns') throw new Fault('push.retired', 400, MPNS_RETIRED)
  throw new Fault('push.unknown', 404, `there is no platform '${word}' to push to`, {
    hint: `There are ${PUSH_PLATFORMS.join(', ')}.`,
  })
}

/** With the credentials of one platform changed; what is not given stays. Faults with `push.bad_settings`. */
export function withPlatform(settings: PushSettings, platform: PushPlatform, given: SetPushPlatform): PushSettings {
  const changed = { ...settings, [platform]: credentialsOf(settings, platform, given as Given) }
  const bytes = Buffer.byteLength(JSON.stringify(changed))
  if (bytes <= PUSH_SETTINGS_BYTES_MAX) return changed
  throw bad(`the credentials would have ${bytes} bytes`, `${PUSH_SETTINGS_BYTES_MAX} are the most for all together.`)
}

/** Without the credentials of a platform. */
export function withoutPlatform(settings: PushSettings, platform: PushPlatform): PushSettings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name !== platform))
}

/** What may be shown of the credentials of a platform. */
export function factsOfPlatform(settings: PushSettings, platform: PushPlatform): Record<string, string> {
  const facts = shownOf(settings, platform)
  const endpoint = settings[platform]?.endpoint
  return endpoint === undefined ? facts : { ...facts, endpoint }
}

/** Writes all of them; `sealed` holds their JSON. */
export async function writePushSettings(
  trx: Kysely<ControlDatabase>,
  service: Pick<Service, 'id'>,
  sealed: string,
): Promise<void> {
  await trx.updateTable('services').set({ push_settings: sealed }).where('id', '=', service.id).execute()
}

function shownOf({ wns, apns, gcm, webpush }: PushSettings, platform: PushPlatform): Record<string, string> {
  if (platform === 'wns' && wns) return { packageSid: wns.packageSid, clientSecret: printOf(wns.clientSecret) }
  if (platform === 'apns' && apns) {
    const { mode, topic, keyId, teamId, key } = apns
    return { mode, topic, keyId, teamId, key: printOf(key) }
  }
  if (platform === 'gcm' && gcm) {
    return { projectId: gcm.projectId, clientEmail: gcm.clientEmail, privateKey: printOf(gcm.privateKey) }
  }
  if (platform !== 'webpush' || !webpush) return {}
  return { subject: webpush.subject, publicKey: webpush.publicKey, privateKey: printOf(webpush.privateKey) }
}

// Nobody gets a secret back from this, and everybody sees whether it is another one.
function printOf(secret: string): string {
  return `(secret, SHA-256 begins ${createHash('sha256').update(secret).digest('hex').slice(0, 12)})`
}

function credentialsOf(settings: PushSettings, platform: PushPlatform, given: Given) {
  requireOwn(platform, given)
  const before = settings[platform]?.endpoint
  const endpoint =
    given.endpoint === undefined ? before : given.endpoint === null ? undefined : originOf(given.endpoint)
  const place = endpoint === undefined ? {} : { endpoint }
  switch (platform) {
    case 'wns':
      return { ...wnsOf(settings.wns, given), ...place }
    case 'apns':
      return { ...apnsOf(settings.apns, given), ...place }
    case 'gcm':
      return { ...gcmOf(settings.gcm, given), ...place }
    case 'webpush':
      return { ...webPushOf(settings.webpush, given), ...place }
  }
}

const OWN: Record<PushPlatform, string[]> = {
  wns: ['packageSid', 'clientSecret'],
  apns: ['keyId', 'teamId', 'key', 'topic', 'mode'],
  gcm: ['serviceAccount'],
  webpush: ['subject', 'publicKey', 'privateKey', 'isRenewed'],
}

function requireOwn(platform: PushPlatform, given: Given): void {
  const strange = Object.keys(given).find((name) => name !== 'endpoint' && !OWN[platform].includes(name))
  if (strange === undefined) return
  throw bad(`${platform} has no '${strange}'`, `It takes ${OWN[platform].join(', ')} and endpoint.`)
}

function wnsOf(before: WnsCredentials | undefined, given: Given): WnsCredentials {
  const packageSid = need(given.packageSid ?? before?.packageSid, 'packageSid', 'the package SID of the app')
  if (!/^ms-app:\/\/[\w-]{1,200}\/?$/i.test(packageSid)) {
    throw bad(`'${packageSid}' is no package SID`, 'It begins with ms-app:// and is shown by the Partner Center.')
  }
  return { packageSid, clientSecret: need(given.clientSecret ?? before?.clientSecret, 'clientSecret', 'its secret') }
}

function apnsOf(before: ApnsCredentials | undefined, given: Given): ApnsCredentials {
  const keyId = need(given.keyId ?? before?.keyId, 'keyId', 'the id of the key, ten characters')
  const teamId = need(given.teamId ?? before?.teamId, 'teamId', 'the id of the team, ten characters')
  const topic = need(given.topic ?? before?.topic, 'topic', 'the bundle id of the app')
  const mode = given.mode ?? before?.mode ?? 'production'
  for (const [name, value] of [
    ['keyId', keyId],
    ['teamId', teamId],
  ] as const) {
    if (!/^[A-Z0-9]{10}$/.test(value)) throw bad(`'${value}' is no ${name}`, 'It has ten capital letters and digits.')
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/.test(topic)) throw bad(`'${topic}' is no bundle id`, 'As com.example.app.')
  const key = apnsKeyOf(need(given.key ?? before?.key, 'key', 'the text of the .p8 file'))
  return { keyId, teamId, key, topic, mode: mode === 'sandbox' ? 'sandbox' : 'production' }
}

function apnsKeyOf(text: string): string {
  const hint =
    'Make a key for APNs at developer.apple.com (Keys), and give its .p8 file. Certificates (.p12) are not used.'
  if (/BEGIN CERTIFICATE/.test(text)) throw bad('this is a certificate, not a key of APNs', hint)
  const found = privateKeyOf(text)
  if (found?.asymmetricKeyType === 'ec' && found.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return String(found.export({ type: 'pkcs8', format: 'pem' }))
  }
  throw bad('this is no key of APNs', hint)
}

function gcmOf(before: GcmCredentials | undefined, { serviceAccount }: Given): GcmCredentials {
  const hint =
    'Firebase console, Project settings, Service accounts: generate a private key, and give that JSON file. ' +
    'Server keys of GCM and the legacy FCM do not work any more.'
  if (serviceAccount === undefined && before) return before
  const found = jsonOf(need(serviceAccount, 'serviceAccount', 'the JSON of a service account'))
  if (found === null) throw bad('this is no service account', hint)
  const { project_id: projectId, client_email: clientEmail, private_key: key, private_key_id: id } = found
  const privateKey = typeof key === 'string' ? privateKeyOf(key) : null
  if (typeof projectId !== 'string' || !/^[a-z0-9:.-]{1,100}$/i.test(projectId) || typeof clientEmail !== 'string') {
    throw bad('the service account names no project_id or no client_email', hint)
  }
  if (privateKey?.asymmetricKeyType !== 'rsa') throw bad('the private_key of the service account is none', hint)
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return { projectId, clientEmail, privateKey: pem, ...(typeof id === 'string' ? { privateKeyId: id } : {}) }
}

function webPushOf(before: WebPushCredentials | undefined, given: Given): WebPushCredentials {
  const subject = need(given.subject ?? before?.subject, 'subject', 'an address: mailto:you@example.com, or https:')
  if (!/^mailto:[^\s@]+@[^\s@]+$/.test(subject) && !(URL.canParse(subject) && subject.startsWith('https://'))) {
    throw bad(`'${subject}' is no subject`, 'Give mailto:ADDRESS or an https: URL; operators of browsers see it.')
  }
  const { publicKey, privateKey } = given
  if ((publicKey === undefined) !== (privateKey === undefined)) throw bad('one key without the other', 'Give both.')
  if (publicKey !== undefined && privateKey !== undefined) return { subject, ...vapidOf(publicKey, privateKey) }
  const isKept = before !== undefined && given.isRenewed !== true
  const keys = isKept ? { publicKey: before.publicKey, privateKey: before.privateKey } : newVapid()
  return { subject, ...keys }
}

function newVapid(): { publicKey: string; privateKey: string } {
  const pair = createECDH('prime256v1')
  pair.generateKeys()
  // Of one length, whatever the number is.
  const secret = Buffer.concat([Buffer.alloc(32), pair.getPrivateKey()]).subarray(-32)
  return { publicKey: pair.getPublicKey('base64url'), privateKey: secret.toString('base64url') }
}

// Both have to be of one pair: what is signed with the one is checked with the other.
function vapidOf(publicKey: string, privateKey: string): { publicKey: string; privateKey: string } {
  const pair = createECDH('prime256v1')
  const [point, secret] = [Buffer.from(publicKey, 'base64url'), Buffer.from(privateKey, 'base64url')]
  try {
    pair.setPrivateKey(secret)
    if (secret.length !== 32 || !pair.getPublicKey().equals(point)) throw new Error('another pair')
  } catch {
    throw bad('these are no VAPID keys of one pair', 'Give them as base64url, or leave them out: they are made here.')
  }
  return { publicKey: point.toString('base64url'), privateKey: secret.toString('base64url') }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const isPlain = url !== null && url.pathname === '/' && url.search === '' && url.username === ''
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return url.origin
  throw bad(`'${text}' is no endpoint`, 'Give scheme, host and port only, as https://push.example.com:8443.')
}

function privateKeyOf(pem: string) {
  try {
    return createPrivateKey(pem)
  } catch {
    return null
  }
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function need(value: string | undefined, name: string, what: string): string {
  const text = value?.trim() ?? ''
  if (text !== '' && !text.includes('\0')) return text
  throw bad(`'${name}' is missing`, `Give ${what}.`)
}

function bad(message: string, hint: string): Fault {
  return new Fault('push.bad_settings', 400, message, { hint })
}
