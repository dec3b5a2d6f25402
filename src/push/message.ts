// What a script wants to be sent, made into what each platform takes. Pure; what comes from a sandbox may be anything.
import { MPNS_RETIRED, PUSH_PLATFORMS, type PushPlatform } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { PUSH_MESSAGE_BYTES_MAX } from '../kit/limits.ts'
import type { PushMessage } from './delivery.ts'
import { renderJson, renderText, renderXml, type TemplateProperties } from './template.ts'

/** Native: as it is. A template's: what each device's own template is filled with. */
export type WantedMessage =
  | { kind: 'native'; platform: PushPlatform; message: PushMessage }
  | { kind: 'template'; properties: TemplateProperties }

type Fields = Record<string, unknown>

/** Reads what a script gave. `ttlS`: seconds that it is of use. Faults with `app.bad_request`. */
export function readMessage(given: {
  platform: string
  body: unknown
  headers: unknown
  ttlS: number | null
}): WantedMessage {
  const size = Buffer.byteLength(JSON.stringify(given.body ?? null))
  if (size > PUSH_MESSAGE_BYTES_MAX) {
    throw bad(`The message has ${size} bytes; ${PUSH_MESSAGE_BYTES_MAX} are the most, and platforms take less.`)
  }
  if (given.platform === 'template') return { kind: 'template', properties: propertiesOf(given.body) }
  if (given.platform === 'mpns') throw bad(MPNS_RETIRED)
  const platform = PUSH_PLATFORMS.find((one) => one === given.platform)
  if (!platform) throw bad(`There is no platform '${given.platform}'.`)
  const headers = { ...ttlHeader(platform, given.ttlS), ...headersOf(given.headers) }
  return { kind: 'native', platform, message: nativeMessage(platform, given.body, headers, given.ttlS) }
}

/** A device's template filled in. Faults with `app.bad_request` where it comes to nothing that its platform takes. */
export function fillTemplate(
  platform: PushPlatform,
  template: { body: string; headers: Record<string, string> },
  properties: TemplateProperties,
  ttlS: number | null,
): PushMessage {
  const headers = { ...ttlHeader(platform, ttlS), ...template.headers }
  switch (platform) {
    case 'wns': {
      const isRaw = headers['x-wns-type'] === 'wns/raw'
      const body = isRaw ? renderText(template.body, properties) : renderXml(template.body, properties)
      return nativeMessage(platform, body, headers, ttlS)
    }
    case 'webpush':
      return nativeMessage(platform, webPushText(template.body, properties), headers, ttlS)
    case 'apns':
    case 'gcm':
      return nativeMessage(platform, renderJson(template.body, properties), headers, ttlS)
  }
}

// JSON where the template is JSON: then what is filled in stays in its strings.
function webPushText(template: string, properties: TemplateProperties): string {
  try {
    return JSON.stringify(renderJson(template, properties))
  } catch {
    return renderText(template, properties)
  }
}

function nativeMessage(
  platform: PushPlatform,
  body: unknown,
  headers: Record<string, string>,
  ttlS: number | null,
): PushMessage {
  switch (platform) {
    case 'wns': {
      const text = textOf(body)
      return { platform, body: text, headers: { 'x-wns-type': wnsTypeOf(text), ...headers } }
    }
    case 'webpush':
      return { platform, body: textOf(body), headers }
    case 'apns':
      return { platform, ...apnsMessage(body, headers) }
    case 'gcm':
      return { platform, message: fcmMessage(body, ttlS) }
  }
}

/** `{ aps: … }` as it is; or the original's short form: alert, badge, sound, expiry and `payload` with the app's own. */
export function apnsMessage(
  body: unknown,
  headers: Record<string, string>,
): { payload: Fields; headers: Record<string, string> } {
  const given = typeof body === 'string' ? { alert: body } : objectOf(body, 'A message for APNs')
  const { aps, ...rest } = given
  const { alert, badge, sound, category, expiry, payload, contentAvailable, mutableContent, threadId, ...own } = rest
  const known = Object.entries({
    alert,
    badge,
    sound,
    category,
    'thread-id': threadId,
    'content-available': contentAvailable,
    'mutable-content': mutableContent,
  }).filter(([, value]) => value !== undefined && value !== null)
  const more = typeof payload === 'object' && payload !== null ? (payload as Fields) : {}
  const whole = aps === undefined ? { aps: Object.fromEntries(known), ...more, ...own } : given
  const shown = objectOf((whole as Fields).aps, "'aps'")
  const isQuiet = shown['content-available'] === 1 && shown.alert === undefined && shown.badge === undefined
  const type = isQuiet ? 'background' : 'alert'
  const apns = Object.entries(headers).filter(([name]) => name.startsWith('apns-'))
  const until = instantSeconds(expiry)
  return {
    payload: whole,
    headers: {
      'apns-push-type': type,
      // Apple refuses quiet ones of the highest.
      'apns-priority': isQuiet ? '5' : '10',
      ...(until === null ? {} : { 'apns-expiration': String(until) }),
      ...Object.fromEntries(apns),
    },
  }
}

/** A message of FCM v1 as it is; or what GCM took: a text, or `data`, `notification`, `collapse_key`, `time_to_live`. */
export function fcmMessage(body: unknown, ttlS: number | null): Fields {
  if (typeof body === 'string') return { data: { message: body }, ...androidOf({}, ttlS) }
  const given = objectOf(body, 'A message for FCM')
  const v1 = given.message
  if (typeof v1 === 'object' && v1 !== null && given.data === undefined) {
    // Whom it goes to is said beside it.
    const { token: _token, topic: _topic, condition: _condition, ...message } = v1 as Fields
    return message
  }
  const { data, notification, collapse_key, time_to_live, priority, android, apns, webpush, fcm_options } = given
  const passed = Object.entries({ notification, apns, webpush, fcm_options }).filter(([, value]) => value !== undefined)
  const loose = data === undefined && notification === undefined && android === undefined ? given : data
  const ttl = typeof time_to_live === 'number' ? time_to_live : ttlS
  return {
    ...(loose === undefined ? {} : { data: textsOf(loose) }),
    ...Object.fromEntries(passed),
    ...androidOf({ collapse_key, priority, android }, ttl),
  }
}

function androidOf(of: { collapse_key?: unknown; priority?: unknown; android?: unknown }, ttlS: number | null): Fields {
  const known = typeof of.android === 'object' && of.android !== null ? (of.android as Fields) : {}
  const android = {
    ...(ttlS === null ? {} : { ttl: `${Math.max(0, Math.floor(ttlS))}s` }),
    ...(typeof of.collapse_key === 'string' ? { collapse_key: of.collapse_key } : {}),
    ...(of.priority === 'high' || of.priority === 'normal' ? { priority: of.priority } : {}),
    ...known,
  }
  return Object.keys(android).length === 0 ? {} : { android }
}

// FCM takes texts only in `data`.
function textsOf(data: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(data, "'data'")).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

function wnsTypeOf(body: string): string {
  const [, root] = /^\s*(?:<\?xml[^>]*\?>\s*)?<(toast|tile|badge)[\s/>]/.exec(body) ?? []
  return `wns/${root ?? 'raw'}`
}

function ttlHeader(platform: PushPlatform, ttlS: number | null): Record<string, string> {
  if (ttlS === null) return {}
  if (platform === 'wns') return { 'x-wns-ttl': String(ttlS) }
  if (platform === 'webpush') return { ttl: String(ttlS) }
  return platform === 'apns' ? { 'apns-expiration': String(Math.floor(Date.now() / 1_000) + ttlS) } : {}
}

const HEADER = /^(?:x-wns-[a-z-]{1,40}|apns-[a-z-]{1,40}|ttl|urgency|topic)$/

// Only those that the platforms have: nothing of a script's gets into how we say who we are.
function headersOf(given: unknown): Record<string, string> {
  if (given === undefined || given === null) return {}
  const lower = Object.entries(objectOf(given, "'headers'")).map(([name, value]) => [name.toLowerCase(), String(value)])
  const wrong = lower.find(([name = '', value = '']) => !HEADER.test(name) || !/^[\x20-\x7e]{0,200}$/.test(value))
  if (wrong) throw bad(`'${wrong[0]}' is no header that a platform of push has, or its value can not be sent.`)
  return Object.fromEntries(lower)
}

function propertiesOf(body: unknown): TemplateProperties {
  const text = typeof body === 'string' ? parsed(body) : body
  return textsOf(objectOf(text, 'What templates are filled with'))
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body ?? '')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function instantSeconds(value: unknown): number | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const at = new Date(value).getTime()
  return Number.isFinite(at) ? Math.floor(at / 1_000) : null
}

function objectOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw bad(`${what} has to be an object.`)
}

function bad(message: string): Fault {
  return new Fault('app.bad_request', 400, message)
}
