// What a device registers: read from the words of both generations of clients, with its bounds. Pure.
import type { DevicePlatform } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import {
  PUSH_CHANNEL_CHARACTERS_MAX,
  PUSH_TAGS_MAX,
  PUSH_TEMPLATE_CHARACTERS_MAX,
  PUSH_TEMPLATES_MAX,
} from '../kit/limits.ts'
import type { SubscriptionKeys } from './delivery.ts'
import { parseJsonTemplate } from './template.ts'
import { subscriptionUrl } from './web-push.ts'

/** One way to a device: for messages of its platform, or with a template for those that name no platform. */
export type Registration = {
  platform: DevicePlatform
  channel: string
  keys: SubscriptionKeys | null
  tags: string[]
  template: { name: string; body: string } | null
  headers: Record<string, string>
  /** ISO 8601; null: it does not end by itself. */
  expiresAt: string | null
}
/** The registrations of an installation, each with a name of its own in it, and the document that was sent. */
export type Installation = {
  document: Record<string, unknown>
  platform: DevicePlatform
  channel: string
  parts: { part: string; registration: Registration }[]
}

const PLATFORM_WORDS: Record<string, DevicePlatform> = {
  wns: 'wns',
  apns: 'apns',
  gcm: 'gcm',
  fcm: 'gcm',
  fcmv1: 'gcm',
  mpns: 'mpns',
  webpush: 'webpush',
  browser: 'webpush',
}
/** Ids of registrations and installations. */
export const PUSH_ID = /^[\w.:@-]{1,255}$/
const TAG = /^[\w@#.:{}$-]{1,120}$/
/** Who is signed in on a device: only we say that. */
const USER_TAG = '_UserId:'
const INSTALLATION_TAG = '$InstallationId:'
const NAME = /^[\w.-]{1,100}$/
const DEVICE_TOKEN = /^[0-9a-f]{8,200}$/i

/** The platform that a word means. Faults with `app.bad_request`. */
export function platformOf(word: unknown): DevicePlatform {
  const found = typeof word === 'string' ? PLATFORM_WORDS[word.toLowerCase()] : undefined
  if (found) return found
  throw bad(`'platform' has to be one of ${Object.keys(PLATFORM_WORDS).join(', ')}.`)
}

/** A registration of the first generation. Faults with `app.bad_request`. */
export function parseRegistration(body: unknown): Registration {
  const given = objectOf(body, 'A registration')
  const platform = platformOf(given.platform)
  const { deviceId, templateBody, templateName, expiry, expiration } = given
  if (isNothing(templateBody) !== isNothing(templateName)) {
    throw bad("A template needs both 'templateBody' and 'templateName'.")
  }
  return {
    platform,
    ...channelOf(platform, deviceId, 'deviceId'),
    tags: tagsOf(given.tags),
    template: isNothing(templateBody) ? null : templateOf(platform, templateName, templateBody),
    headers: headersOf(given.headers),
    expiresAt: instantOf(expiry ?? expiration ?? null, 'expiry'),
  }
}

/** An installation of the second generation. Faults with `app.bad_request`. */
export function parseInstallation(body: unknown, id: string): Installation {
  const given = objectOf(body, 'An installation')
  if (!isNothing(given.installationId) && given.installationId !== id) {
    throw bad("'installationId' is another one than that of the URL.")
  }
  const platform = platformOf(given.platform)
  const expiresAt = instantOf(given.expirationTime ?? null, 'expirationTime')
  const whole = { platform, id, expiresAt }
  const parts = partsOf(whole, given, '', [])
  const tiles = Object.entries(mapOf(given.secondaryTiles, 'secondaryTiles'))
  if (tiles.length > 0 && platform !== 'wns') throw bad("'secondaryTiles' are there on wns only.")
  for (const [tile, value] of tiles) {
    if (!NAME.test(tile)) throw bad(`'${tile}' can not be the name of a tile.`)
    parts.push(...partsOf(whole, objectOf(value, 'A secondary tile'), `tile:${tile}`, tagsOf(given.tags)))
  }
  const { channel } = channelOf(platform, given.pushChannel, 'pushChannel')
  const { installationId: _id, ...document } = given
  return { document: { installationId: id, ...document }, platform, channel, parts }
}

function partsOf(
  { platform, id, expiresAt }: { platform: DevicePlatform; id: string; expiresAt: string | null },
  given: Record<string, unknown>,
  name: string,
  outerTags: string[],
): Installation['parts'] {
  const to = channelOf(platform, given.pushChannel, 'pushChannel')
  const tags = [...outerTags, ...tagsOf(given.tags)]
  const base = { platform, ...to, headers: {}, expiresAt }
  const own = [...tags, `${INSTALLATION_TAG}{${id}}`]
  const templates = Object.entries(mapOf(given.templates, 'templates'))
  if (templates.length > PUSH_TEMPLATES_MAX) throw bad(`More than ${PUSH_TEMPLATES_MAX} templates.`)
  return [
    { part: name, registration: { ...base, tags: bounded(own), template: null } },
    ...templates.map(([key, value]) => {
      const template = objectOf(value, 'A template')
      return {
        part: `${name}/${key}`,
        registration: {
          ...base,
          tags: bounded([...own, ...tagsOf(template.tags)]),
          template: templateOf(platform, key, template.body),
          headers: headersOf(template.headers),
          expiresAt: instantOf(template.expiry ?? null, 'expiry') ?? expiresAt,
        },
      }
    }),
  ]
}

/** An installation with changes: a list as of JSON Patch (`op`, `path`, `value`), or an object of new values. */
export function patchInstallation(document: Record<string, unknown>, patch: unknown): Record<string, unknown> {
  const changed = structuredClone(document)
  if (!Array.isArray(patch)) return { ...changed, ...objectOf(patch, 'A change of an installation') }
  if (patch.length > 100) throw bad('More than 100 changes at once.')
  for (const one of patch) {
    const { op, path, value } = objectOf(one, 'A change')
    const [, first = '', ...rest] = typeof path === 'string' ? path.split('/').map(unescapePointer) : []
    if (first === '' || (op !== 'add' && op !== 'replace' && op !== 'remove')) {
      throw bad("A change needs 'op' (add, replace, remove) and 'path' (such as /tags/news).")
    }
    if (first === 'tags') changed.tags = patchedTags(changed.tags, { op, tag: rest[0], value })
    else patchAt(changed, [first, ...rest], { op, value })
  }
  return changed
}

/** Tags as a client may set them, and who it is. */
export function withOwner(tags: string[], owner: { userId: string | null; installationId: string | null }): string[] {
  const own = tags.filter((tag) => !tag.startsWith(USER_TAG))
  const { userId, installationId } = owner
  const more = [
    ...(installationId !== null && TAG.test(installationId) ? [installationId] : []),
    ...(userId === null ? [] : [`${USER_TAG}${userId}`]),
  ]
  return bounded([...own, ...more])
}

/** Tags of a list, or of a text with commas. Faults with `app.bad_request`. */
export function tagsOf(given: unknown): string[] {
  if (isNothing(given)) return []
  const tags = typeof given === 'string' ? given.split(',').map((tag) => tag.trim()) : given
  if (!Array.isArray(tags)) throw bad("'tags' has to be a list of texts.")
  for (const tag of tags) {
    // Of a user, a tag is what the token says, whatever that is.
    const isTag = typeof tag === 'string' && (TAG.test(tag) || (tag.startsWith(USER_TAG) && tag.length <= 500))
    if (isTag) continue
    throw bad('A tag has 1 to 120 letters, digits and characters of _@#.:-, and no others.')
  }
  return bounded(tags as string[])
}

function bounded(tags: string[]): string[] {
  const unique = [...new Set(tags)]
  if (unique.length > PUSH_TAGS_MAX) throw bad(`A device can have ${PUSH_TAGS_MAX} tags, not ${unique.length}.`)
  return unique
}

function patchedTags(given: unknown, change: { op: string; tag: string | undefined; value: unknown }): string[] {
  const tags = tagsOf(given)
  const { op, tag, value } = change
  if (op === 'remove') return tag === undefined ? [] : tags.filter((one) => one !== tag)
  if (tag !== undefined) return tagsOf([...tags, typeof value === 'string' && value !== '' ? value : tag])
  return tagsOf(op === 'replace' || Array.isArray(value) ? value : [...tags, value])
}

function patchAt(root: Record<string, unknown>, path: string[], { op, value }: { op: string; value: unknown }): void {
  let at = root
  for (const name of path.slice(0, -1)) {
    // Own properties only: no path leads to what all objects share.
    if (!Object.hasOwn(at, name)) setOwn(at, name, {})
    at = objectOf(at[name], `'${name}'`)
  }
  const last = path.at(-1) ?? ''
  if (op === 'remove') delete at[last]
  else setOwn(at, last, value)
}

function setOwn(of: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(of, name, { value, enumerable: true, configurable: true, writable: true })
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

function channelOf(platform: DevicePlatform, given: unknown, name: string): Pick<Registration, 'channel' | 'keys'> {
  if (platform === 'webpush') return subscriptionOf(given, name)
  if (typeof given !== 'string' || given.trim() === '') throw bad(`'${name}' has to name the device.`)
  if (given.length > PUSH_CHANNEL_CHARACTERS_MAX || given.includes('\0')) throw bad(`'${name}' is too long.`)
  if (platform === 'apns' && !DEVICE_TOKEN.test(given)) throw bad(`'${name}' has to be a device token, in hex.`)
  if (platform === 'wns' && !URL.canParse(given)) throw bad(`'${name}' has to be the URI of a channel.`)
  return { channel: given, keys: null }
}

// A subscription as browsers give it: an object, or its JSON.
function subscriptionOf(given: unknown, name: string): { channel: string; keys: SubscriptionKeys } {
  const { endpoint, keys, p256dh, auth } = objectOf(typeof given === 'string' ? parsed(given) : given, `'${name}'`)
  const found = typeof keys === 'object' && keys !== null ? (keys as Record<string, unknown>) : { p256dh, auth }
  const url =
    typeof endpoint === 'string' && endpoint.length <= PUSH_CHANNEL_CHARACTERS_MAX && subscriptionUrl(endpoint)
  const isKey = (key: unknown) => typeof key === 'string' && /^[\w+/=-]{16,200}$/.test(key)
  if (url && isKey(found.p256dh) && isKey(found.auth)) {
    return { channel: url.href, keys: { p256dh: String(found.p256dh), auth: String(found.auth) } }
  }
  throw bad(`'${name}' has to be the subscription of a browser: endpoint (https), and keys p256dh and auth.`)
}

function templateOf(platform: DevicePlatform, name: unknown, body: unknown): { name: string; body: string } {
  if (typeof name !== 'string' || !NAME.test(name))
    throw bad('The name of a template has letters, digits and ._- only.')
  const text = typeof body === 'object' && body !== null ? JSON.stringify(body) : body
  if (typeof text !== 'string' || text.trim() === '' || text.includes('\0'))
    throw bad(`The template '${name}' is empty.`)
  if (text.length > PUSH_TEMPLATE_CHARACTERS_MAX) {
    throw bad(`A template has ${PUSH_TEMPLATE_CHARACTERS_MAX} characters at most.`)
  }
  if (platform === 'apns' || platform === 'gcm') parseJsonTemplate(text)
  return { name, body: text }
}

const HEADER = /^[A-Za-z][A-Za-z0-9-]{0,63}$/
const HEADER_VALUE = /^[\x20-\x7e]{0,200}$/

function headersOf(given: unknown): Record<string, string> {
  const entries = Object.entries(mapOf(given, 'headers')).map(([name, value]) => [name, String(value)] as const)
  const isAll = entries.length <= 20 && entries.every(([name, value]) => HEADER.test(name) && HEADER_VALUE.test(value))
  if (!isAll) throw bad("'headers' has to be up to 20 names of headers with their values.")
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]))
}

function instantOf(given: unknown, name: string): string | null {
  // The first clients send it where they mean none.
  if (isNothing(given)) return null
  const at = typeof given === 'string' || typeof given === 'number' ? new Date(given).getTime() : Number.NaN
  const isInRange = Number.isFinite(at) && at > Date.UTC(2000, 0) && at < Date.UTC(10_000, 0)
  if (isInRange) return new Date(at).toISOString()
  throw bad(`'${name}' has to be an instant, as 2027-01-31T12:00:00Z.`)
}

function mapOf(given: unknown, name: string): Record<string, unknown> {
  return isNothing(given) ? {} : objectOf(given, `'${name}'`)
}

function objectOf(given: unknown, what: string): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>
  throw bad(`${what} has to be a JSON object.`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function bad(message: string): Fault {
  return new Fault('app.bad_request', 400, message)
}
