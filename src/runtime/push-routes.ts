// Registrations of devices for push notifications, by HTTP: `registrations` of clients of the first generation,
// `installations` of the second. And for operators: how many there are, and how the newest messages went.

import { isPushOn, type PushReport, type PushSettings } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { PUSH_LISTED_MAX, PUSH_SENDS_SHOWN_MAX } from '../kit/limits.ts'
import {
  PUSH_ID,
  parseInstallation,
  parseRegistration,
  patchInstallation,
  platformOf,
  type Registration,
  tagsOf,
  withOwner,
} from '../push/registration.ts'
import { type Answer, emptyAnswer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { badRequest, notFound, unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { type AppUser, authorize, identify, isMaster } from './credentials.ts'
import type { Leases } from './leases.ts'
import { originOf, prefixOf } from './own-url.ts'
import { PushDevices } from './push-devices.ts'
import { shownToExtension } from './push-extension.ts'
import { PushSends } from './push-sends.ts'
import type { RunContext } from './script-run.ts'
import type { ServedService } from './services.ts'
import { faultOfSql } from './sql-errors.ts'

export type PushContext = RunContext & { request: AppRequest; leases: Leases }

/** Answers a request below `/push`; `segments` are what follows, decoded. */
export async function answerPush(context: PushContext, segments: string[]): Promise<Answer> {
  const { request, service, leases } = context
  const { push } = service.assignment
  const [word = '', id, ...rest] = segments
  // As in the original: what is not set up is not there.
  if (!isPushOn(push) || rest.length > 0) throw notFound()
  const user = permit(context, push)
  const isWrite = request.method !== 'GET'
  return await leases.guard({ server: service.assignment.database.server, isWrite }, async () => {
    try {
      switch (word.toLowerCase()) {
        case 'registrationids':
          if (id !== undefined) throw notFound()
          return await answerIds(context)
        case 'registrations':
          return id === undefined ? await answerList(context) : await answerRegistration(context, user, requireId(id))
        case 'installations':
          if (id === undefined) throw notFound()
          return await answerInstallation(context, user, requireId(id))
        case 'webpush':
          if (id?.toLowerCase() !== 'key') throw notFound()
          return answerKey(context, push)
        default:
          throw notFound()
      }
    } catch (error) {
      throw faultOfSql(error, isWrite)
    }
  })
}

/** Answers GET to PUSH_PATH, with `?top=10`. */
export async function answerPushReport(request: AppRequest, service: ServedService): Promise<Answer> {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  if (!isMaster(request.headers, service.assignment)) throw unauthorized()
  const top = Math.min(Math.max(0, Math.trunc(Number(request.query.get('top') ?? 10)) || 0), PUSH_SENDS_SHOWN_MAX)
  try {
    const registrations = await new PushDevices(service).counts(request.work)
    const sends = top === 0 ? [] : await new PushSends(service).list(top, request.work)
    const report: PushReport = { registrations, sends }
    return jsonAnswer(200, JSON.stringify(report))
  } catch (error) {
    throw faultOfSql(error, false)
  }
}

function permit({ request, service }: PushContext, { permission = 'application' }: PushSettings): AppUser {
  const { assignment } = service
  const user = identify(request, assignment)
  const isKeyAsked = request.clientGeneration === 1 || assignment.isKeyRequired !== false
  authorize(permission, { user, headers: request.headers }, assignment, { isKeyAsked })
  return user
}

async function answerIds({ request, service }: PushContext): Promise<Answer> {
  if (request.method !== 'POST') return methodNotAllowed('POST')
  const id = await new PushDevices(service).newId(request.work)
  return emptyAnswer(201, { location: `${originOf(request)}${prefixOf(request)}/push/registrations/${id}` })
}

// What a page needs to subscribe.
function answerKey({ request }: PushContext, { webpush }: PushSettings): Answer {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  if (!webpush) throw notFound()
  return jsonAnswer(200, JSON.stringify({ publicKey: webpush.publicKey }))
}

async function answerList({ request, service }: PushContext): Promise<Answer> {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  const { query, work } = request
  const [platform, deviceId] = [query.get('platform'), query.get('deviceId')]
  if (!platform || !deviceId) throw badRequest("Name the device: 'platform' and 'deviceId' have to be in the query.")
  const { platform: known, channel } = parseRegistration({ platform, deviceId })
  const filter = { platform: platformOf(known), channel, tags: null, top: PUSH_LISTED_MAX, skip: 0 }
  return jsonAnswer(200, JSON.stringify(await new PushDevices(service).list(filter, work)))
}

async function answerRegistration(context: PushContext, user: AppUser, id: string): Promise<Answer> {
  const { request, service } = context
  const devices = new PushDevices(service)
  if (request.method === 'DELETE') {
    await devices.delete(id, request.work)
    return emptyAnswer(200)
  }
  if (request.method !== 'PUT') return methodNotAllowed('PUT, DELETE')
  const body = await request.readBody()
  const parsed = parseRegistration(body)
  const tags = withOwner(parsed.tags, ownerOf(request, user))
  const shown = { ...(body as object), registrationId: id, tags }
  const registration = { ...parsed, tags: await tagsAfterExtension(context, user, shown, tags) }
  if (await devices.put(id, registration, request.work)) return emptyAnswer(204)
  throw new Fault('app.gone', 410, `There is no registration '${id}' any more: ask for a new id.`)
}

async function answerInstallation(context: PushContext, user: AppUser, id: string): Promise<Answer> {
  const { request, service } = context
  const devices = new PushDevices(service)
  switch (request.method) {
    case 'GET': {
      const found = await devices.findInstallation(id, request.work)
      if (!found) throw notFound()
      return jsonAnswer(200, JSON.stringify(found))
    }
    case 'DELETE':
      await devices.uninstall(id, request.work)
      return emptyAnswer(204)
    case 'PUT':
      return await install(context, user, { id, body: await request.readBody() })
    case 'PATCH': {
      const found = await devices.findInstallation(id, request.work)
      if (!found) throw notFound()
      return await install(context, user, { id, body: patchInstallation(found, await request.readBody()) })
    }
    default:
      return methodNotAllowed('GET, PUT, PATCH, DELETE')
  }
}

async function install(
  context: PushContext,
  user: AppUser,
  { id, body }: { id: string; body: unknown },
): Promise<Answer> {
  const { request, service } = context
  const { document } = parseInstallation(body, id)
  // The installation's id is its own tag already.
  const owner = { userId: user.id, installationId: null }
  const own = withOwner(tagsOf(document.tags), owner)
  const shown = { ...document, tags: own }
  const tags = await tagsAfterExtension(context, user, shown, own)
  const installation = parseInstallation({ ...document, tags }, id)
  // No template or tile brings along who is signed in: only the installation's own tags say that.
  const who = tags.filter((tag) => tag.startsWith('_UserId:'))
  const parts = installation.parts.map(({ part, registration }) => ({
    part,
    registration: withUser(registration, who),
  }))
  await new PushDevices(service).install(id, { ...installation, parts }, request.work)
  return emptyAnswer(204)
}

function withUser(registration: Registration, who: string[]): Registration {
  const own = registration.tags.filter((tag) => !tag.startsWith('_UserId:') || who.includes(tag))
  return { ...registration, tags: [...new Set([...own, ...who])] }
}

// What the extension leaves in `tags` is kept; it is the service's own code, and may say anything.
async function tagsAfterExtension(
  context: PushContext,
  user: AppUser,
  shown: Record<string, unknown>,
  tags: string[],
): Promise<string[]> {
  const changed = await shownToExtension(context, user, shown)
  return changed === null ? tags : tagsOf(changed.tags)
}

function ownerOf({ headers }: AppRequest, { id }: AppUser) {
  const installationId = headers['x-zumo-installation-id']
  return { userId: id, installationId: typeof installationId === 'string' ? installationId : null }
}

function requireId(id: string): string {
  if (PUSH_ID.test(id)) return id
  throw badRequest('The id of a registration or an installation has 1 to 255 letters, digits and characters of _.:@-')
}
