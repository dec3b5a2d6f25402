// Custom APIs: `/api/NAME` and what its script routes below it.
import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { ApiDefinition, ServiceAssignment } from '../contract/assignment.ts'
import {
  API_METHODS,
  type ApiMethod,
  type ApiRoutes,
  levelOf,
  type PermissionLevel,
  type RoutePermissions,
} from '../contract/permissions.ts'
import { INTERNAL_HEADER_PREFIX } from '../contract/protocols.ts'
import type { ScriptAnswer } from '../sandbox/messages.ts'
import { type Answer, isBodiless, isStatus, methodNotAllowed } from './answer.ts'
import { notFound, unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { authorize, identify, scriptUserOf } from './credentials.ts'
import type { Leases } from './leases.ts'
import { cameByHttps } from './own-url.ts'
import { ScriptAsks } from './script-asks.ts'
import { failScript, type RunContext, runScript, sourceOf } from './script-run.ts'

/** Of one connection only, or ours to say. */
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Context = RunContext & { request: AppRequest; leases: Leases }

/** Answers a request below `/api`; `segments` are what follows, decoded. */
export async function answerApi(context: Context, segments: string[]): Promise<Answer> {
  const { request, service, leases } = context
  const { assignment } = service
  const [name = ''] = segments
  const api = findApi(assignment, name)
  if (!api) throw notFound()
  const method = API_METHODS.find((one) => one === request.method.toLowerCase())
  if (!method) return methodNotAllowed('')
  const { user, access } = permit(context, api, method)
  const script = assignment.scripts.find((one) => one.name.toLowerCase() === `api/${api.name}`.toLowerCase())
  if (!script) throw failScript(context, `/api/${api.name}.js`, 'It has no script yet.')
  const { deadline } = request.work
  const asks = new ScriptAsks({
    service,
    leases,
    fetches: context.scripts.fetches,
    push: context.scripts.push,
    deadline,
    clientGeneration: 1,
    conflictStatus: 412,
  })
  const input = {
    what: 'api' as const,
    module: script.name,
    user: scriptUserOf(user, assignment),
    request: await requestOf(context),
    ...(access === null ? {} : { access }),
  }
  return await runScript(context, script, { input, asks }, (answer) => render(context, sourceOf(script), answer))
}

function findApi({ apis = [] }: ServiceAssignment, name: string): ApiDefinition | undefined {
  return apis.find((api) => api.name.toLowerCase() === name.toLowerCase())
}

// Calls of clients of the second generation carry no mark of it, and no key.
function permit({ request, service }: Context, api: ApiDefinition, method: ApiMethod) {
  const { assignment } = service
  const { headers } = request
  const user = identify(request, assignment)
  const isKeyAsked = assignment.isKeyRequired !== false
  const need = (level: PermissionLevel) => authorize(level, { user, headers }, assignment, { isKeyAsked })
  if (!api.routes) {
    need(api.permissions[method])
    return { user, access: null }
  }
  const access = accessOf(api.routes, method, need)
  // Which route it is shows where the script's routes are; who may take none gets no further.
  if (!Object.values(access).includes(true)) throw unauthorized()
  return { user, access }
}

function accessOf(routes: ApiRoutes, method: ApiMethod, need: (level: PermissionLevel) => void) {
  const may = (route: RoutePermissions) => {
    try {
      need(levelOf(route, method))
      return true
    } catch {
      return false
    }
  }
  const all = Object.entries({ '*': {}, ...routes })
  return Object.fromEntries(all.map(([route, said]) => [route.toLowerCase(), may(said)]))
}

async function requestOf({ request }: Context) {
  const { method, path, headers } = request
  const own = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || name.startsWith(INTERNAL_HEADER_PREFIX) ? [] : [[name, [value].flat().join(', ')]],
  )
  const body = await request.readBody()
  const files = (await request.readFiles()).map(({ bytes, ...file }) => ({ ...file, data: bytes.toString('base64') }))
  const query = request.query.size > 0 ? `?${request.query}` : ''
  return {
    method,
    // After `/api/NAME`, as it was sent.
    path: path
      .split('/')
      .slice(3)
      .map((segment) => `/${segment}`)
      .join(''),
    url: `${path}${query}`,
    host: headers.host ?? '',
    isSecure: cameByHttps(request),
    headers: Object.fromEntries(own),
    ...(body === undefined ? {} : { body }),
    ...(files.length === 0 ? {} : { files }),
  }
}

function render(context: Context, source: string, answer: ScriptAnswer): Answer {
  switch (answer.kind) {
    case 'http': {
      const { status } = answer
      if (!isStatus(status)) throw failScript(context, source, 'It answered with a status that is none.')
      const headers = headersOf(context, source, answer.headers)
      const body = answer.isBase64 ? Buffer.from(String(answer.body), 'base64') : String(answer.body)
      return { status, headers, body: isBodiless(status) ? '' : body }
    }
    case 'no_route':
      if (answer.allow === null) throw notFound()
      return methodNotAllowed(allowed(answer.allow))
    case 'unauthorized':
      throw unauthorized()
    case 'failed':
      throw failScript(context, source, String(answer.message))
    default:
      throw failScript(context, source, 'It gave an answer that is none of a custom API.')
  }
}

function allowed(names: unknown): string {
  return API_METHODS.map((method) => method.toUpperCase())
    .filter((method) => Array.isArray(names) && names.includes(method))
    .join(', ')
}

// From the sandbox, so anything: what is no header, or ours, must not reach the wire.
function headersOf(context: Context, source: string, given: unknown): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const entry of Array.isArray(given) ? given : []) {
    const [name, value] = [entry].flat().map(String)
    if (name === undefined || value === undefined) continue
    const lower = name.toLowerCase()
    if (NOT_FORWARDED.has(lower) || lower.startsWith(INTERNAL_HEADER_PREFIX)) continue
    try {
      validateHeaderName(lower)
      validateHeaderValue(lower, value)
    } catch {
      throw failScript(context, source, `It answered with a header '${name}' that can not be sent.`)
    }
    headers[lower] = [...(headers[lower] ?? []), value]
  }
  return headers
}
