// Push notifications that a script asks for: what goes to one device is sent at once, what goes to tags is noted and
// sent from there; and the registrations of devices.
import { isPushOn, PUSH_PLATFORMS, type PushCredentials, type PushPlatform } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { PUSH_LISTED_MAX, PUSH_TTL_MS } from '../kit/limits.ts'
import type { Outcome, PushMessage } from '../push/delivery.ts'
import { readMessage, type WantedMessage } from '../push/message.ts'
import {
  PUSH_ID,
  parseInstallation,
  parseRegistration,
  patchInstallation,
  platformOf,
  type Registration,
  tagsOf,
} from '../push/registration.ts'
import { parseTagExpression } from '../push/tag-expression.ts'
import type { AskOutcome, PushAsk, ScriptAsk } from '../sandbox/messages.ts'
import type { Work } from './app-database.ts'
import { badRequest, notFound } from './app-faults.ts'
import { type DeviceFilter, PushDevices } from './push-devices.ts'
import type { PushSender } from './push-sender.ts'
import { PushSends } from './push-sends.ts'
import type { ServedService } from './services.ts'

type SendAsk = Extract<PushAsk, { op: 'push_send' }>
type Fields = Record<string, unknown>

const READING = new Set(['get', 'list', 'feedback', 'installation'])
const NAMES: Record<PushPlatform, string> = { wns: 'WNS', apns: 'APNs', gcm: 'FCM', webpush: 'Web Push' }
/** What a refusal is to a script. */
const STATUS = { dead: 410, failed: 400, later: 503 } as const

export function isPushAsk(what: ScriptAsk): what is PushAsk {
  return what.op === 'push_send' || what.op === 'push_devices'
}

export class ScriptPush {
  readonly #service: ServedService
  readonly #sender: PushSender

  constructor(service: ServedService, sender: PushSender) {
    this.#service = service
    this.#sender = sender
  }

  /** True for what changes nothing. */
  static isReading(what: PushAsk): boolean {
    return what.op === 'push_devices' && READING.has(what.act)
  }

  /** True for what goes to the world, and needs no lease. */
  static isDirect(what: PushAsk): boolean {
    return what.op === 'push_send' && what.device !== null && what.device !== undefined
  }

  /** Carries one out. Throws Faults. */
  async carryOut(what: PushAsk, work: Work): Promise<AskOutcome> {
    const result = what.op === 'push_send' ? await this.#send(what, work) : await this.#devices(what, work)
    return { kind: 'pushed', result: result ?? null }
  }

  async #send(what: SendAsk, work: Work): Promise<unknown> {
    const ttlS = typeof what.ttl === 'number' && Number.isFinite(what.ttl) ? Math.max(0, Math.floor(what.ttl)) : null
    const platform = String(what.platform)
    const wanted = readMessage({ platform, body: what.body, headers: what.headers, ttlS })
    const { push } = this.#service.assignment
    if (!isPushOn(push)) throw notSetUp('Push notifications are')
    if (wanted.kind === 'native' && push[wanted.platform] === undefined) {
      throw notSetUp(`${NAMES[wanted.platform]} is`, wanted.platform)
    }
    if (ScriptPush.isDirect(what)) {
      if (wanted.kind !== 'native') throw badRequest('Name the platform of a device: push.wns, push.apns, push.gcm.')
      return await this.#direct(wanted.message, what.device, work)
    }
    const tags = typeof what.tags === 'string' && what.tags.trim() !== '' ? what.tags : null
    if (tags !== null) parseTagExpression(tags)
    return await this.#toTags({ wanted, tags, ttlS, push }, work)
  }

  async #direct(message: PushMessage, given: unknown, work: Work): Promise<unknown> {
    const { platform } = message
    const { channel, keys } = parseRegistration({ platform, deviceId: given })
    const outcome = await this.#sender.direct(this.#service, { channel, keys }, message, work)
    if (outcome.kind === 'sent') return { isSuccessful: true, deviceId: channel }
    throw refusalOf(platform, outcome)
  }

  async #toTags(
    {
      wanted,
      tags,
      ttlS,
      push,
    }: {
      wanted: WantedMessage
      tags: string | null
      ttlS: number | null
      push: PushCredentials
    },
    work: Work,
  ): Promise<unknown> {
    const platforms = PUSH_PLATFORMS.filter((one) =>
      wanted.kind === 'native' ? one === wanted.platform : push[one] !== undefined,
    )
    const ttlMs = Math.min(ttlS === null ? PUSH_TTL_MS : ttlS * 1_000, PUSH_TTL_MS * 28)
    const sends = new PushSends(this.#service)
    const { epoch } = this.#service.assignment
    const made: { id: string; platform: PushPlatform; total: number }[] = []
    for (const platform of platforms) {
      made.push({ platform, ...(await sends.add({ platform, wanted, tags, ttlS, ttlMs }, epoch, work)) })
    }
    if (made.some(({ total }) => total > 0)) this.#sender.nudge(this.#service)
    return { isSuccessful: true, sends: made }
  }

  async #devices({ act, values }: Extract<PushAsk, { op: 'push_devices' }>, work: Work): Promise<unknown> {
    const devices = new PushDevices(this.#service)
    const [first, second] = Array.isArray(values) ? values : []
    switch (act) {
      case 'create_id':
        return await devices.newId(work)
      case 'create': {
        const id = await devices.create(registrationOf(first), work)
        return await devices.find(id, work)
      }
      case 'put': {
        const id = textOf(objectOf(first).registrationId, "'registrationId'")
        if (!(await devices.put(id, registrationOf(first), work))) throw notFound(`There is no registration '${id}'.`)
        return await devices.find(id, work)
      }
      case 'get': {
        const id = textOf(first, 'The id')
        return (await devices.find(id, work)) ?? refuseUnknown(`There is no registration '${id}'.`)
      }
      case 'delete':
        return await devices.delete(textOf(idIn(first), 'The id'), work)
      case 'list':
        return await devices.list(filterOf(objectOf(first)), work)
      case 'feedback': {
        const { platform, since } = objectOf(first)
        const known = platform === undefined ? null : platformOf(platform)
        return await devices.removed({ platform: known, since: sinceOf(since) }, work)
      }
      case 'install': {
        const id = idOf(objectOf(first).installationId)
        return await devices.install(id, parseInstallation(first, id), work)
      }
      case 'installation':
      case 'patch': {
        const id = textOf(first, 'The id')
        const found = (await devices.findInstallation(id, work)) ?? refuseUnknown(`There is no installation '${id}'.`)
        if (act === 'installation') return found
        return await devices.install(id, parseInstallation(patchInstallation(found, second), id), work)
      }
      case 'uninstall':
        return await devices.uninstall(textOf(first, 'The id'), work)
      default:
        throw badRequest(`push has no '${act}'.`)
    }
  }
}

function registrationOf(given: unknown): Registration {
  return parseRegistration(given)
}

function filterOf({ platform, device, tags, top, skip }: Fields): DeviceFilter {
  const known = platform === undefined ? null : platformOf(platform)
  const channel =
    known === null || device === undefined ? null : parseRegistration({ platform: known, deviceId: device })
  const listed = tags === undefined ? null : tagsOf(typeof tags === 'string' ? [tags] : tags).join(' && ')
  const whole = (value: unknown, usual: number) =>
    Number.isInteger(value) && Number(value) >= 0 ? Number(value) : usual
  return {
    platform: known,
    channel: channel?.channel ?? null,
    tags: listed === '' ? null : listed,
    top: Math.min(whole(top, PUSH_LISTED_MAX), PUSH_LISTED_MAX),
    skip: Math.min(whole(skip, 0), 1_000_000_000),
  }
}

function refusalOf(platform: PushPlatform, outcome: Exclude<Outcome, { kind: 'sent' }>): Fault {
  const words = { dead: 'knows no such device any more', failed: 'did not take it', later: 'did not take it now' }
  const text = `${NAMES[platform]} ${words[outcome.kind]}: ${outcome.reason}.`
  return new Fault('app.push_refused', STATUS[outcome.kind], text)
}

function notSetUp(what: string, platform = 'PLATFORM'): Fault {
  const command = `mainstay mobile push ${platform} set SERVICE`
  return new Fault('app.push_off', 409, `${what} not set up for this service: ${command}`)
}

function refuseUnknown(message: string): never {
  throw notFound(message)
}

function idIn(given: unknown): unknown {
  return typeof given === 'object' && given !== null ? (given as Fields).registrationId : given
}

function idOf(given: unknown): string {
  if (typeof given === 'string' && PUSH_ID.test(given)) return given
  throw badRequest("'installationId' has 1 to 255 letters, digits and characters of _.:@-")
}

function textOf(given: unknown, what: string): string {
  if (typeof given === 'string' && given !== '' && given.length <= 255 && !given.includes('\0')) return given
  throw badRequest(`${what} has to be a text of 1 to 255 characters.`)
}

function sinceOf(given: unknown): string | null {
  if (given === undefined) return null
  const at = typeof given === 'string' || typeof given === 'number' ? new Date(given).getTime() : Number.NaN
  if (Number.isFinite(at) && Math.abs(at) < 8e15) return new Date(at).toISOString()
  throw badRequest("'since' has to be an instant.")
}

function objectOf(given: unknown): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields
  throw badRequest('An object is expected.')
}
