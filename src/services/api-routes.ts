// Permissions of a custom API by route, as the original's `api/NAME.json` had them: `{ "routes": { "title/:id": { "get":
// { "permission": "user" } }, "*": … } }`. Pure. What is not said is for admins.
import {
  API_METHODS,
  type ApiMethod,
  type ApiPermissions,
  type ApiRoutes,
  levelOf,
  PERMISSION_LEVELS,
  type PermissionLevel,
  type RoutePermissions,
} from '../contract/permissions.ts'
import { Fault } from '../kit/fault.ts'
import { API_ROUTES_MAX } from '../kit/limits.ts'

/** What is kept of it: `routes` null where one holds for all. */
export type KeptPermissions = { permissions: ApiPermissions; routes: ApiRoutes | null }

const METHOD_WORDS = [...API_METHODS, '*'] as const
const ROUTE = /^[\x21-\x7e]{1,200}$/

/** What the `routes` of such a file come to, in lower case: paths match in either. Faults with `api.bad_routes`. */
export function parseApiRoutes(given: unknown): KeptPermissions {
  if (!isObject(given)) throw bad("'routes' is no object")
  const entries = Object.entries(given)
  if (entries.length > API_ROUTES_MAX) throw bad(`there are more than ${API_ROUTES_MAX} routes`)
  const routes: ApiRoutes = {}
  for (const [text, value] of entries) {
    if (!ROUTE.test(text)) throw bad(`'${text.slice(0, 200)}' can be no route`)
    const route = text === '*' ? '*' : text.replace(/^\/+|\/+$/g, '').toLowerCase() || '/'
    if (Object.hasOwn(routes, route)) throw bad(`the route '${route}' is there twice`)
    Object.defineProperty(routes, route, { value: parseRoute(route, value), enumerable: true })
  }
  const others = wherever(routes)
  const isPlain = Object.keys(routes).every((route) => route === '*')
  return isPlain ? { permissions: others, routes: null } : { permissions: strictestOf(routes), routes }
}

/** What holds where no route is named: what people see as the permissions of the API. */
export function generalPermissions({ permissions, routes }: KeptPermissions): ApiPermissions {
  return routes === null ? permissions : wherever(routes)
}

function wherever(routes: ApiRoutes): ApiPermissions {
  return eachMethod((method) => levelOf(routes['*'] ?? {}, method))
}

// For those who know of no routes: whoever is let in by it may call every one of them.
function strictestOf(routes: ApiRoutes): ApiPermissions {
  const all = [...Object.values(routes), ...(routes['*'] ? [] : [{}])]
  return eachMethod((method) => {
    const levels = new Set(all.map((route) => levelOf(route, method)))
    // A token is no key, and a key no token.
    if (levels.has('user') && levels.has('application')) return 'admin'
    return (['admin', 'user', 'application'] as const).find((level) => levels.has(level)) ?? 'public'
  })
}

function eachMethod(levelFor: (method: ApiMethod) => PermissionLevel): ApiPermissions {
  return Object.fromEntries(API_METHODS.map((method) => [method, levelFor(method)])) as ApiPermissions
}

function parseRoute(route: string, value: unknown): RoutePermissions {
  if (!isObject(value)) throw bad(`what '${route}' says is no object`)
  if (Object.hasOwn(value, 'permission')) return { '*': parseLevel(route, value) }
  const parsed: RoutePermissions = {}
  for (const [word, said] of Object.entries(value)) {
    const method = METHOD_WORDS.find((one) => one === word)
    if (!method) throw bad(`'${word}' of '${route}' is none of ${METHOD_WORDS.join(', ')}`)
    parsed[method] = parseLevel(`${word} of ${route}`, said)
  }
  return parsed
}

function parseLevel(where: string, value: unknown): PermissionLevel {
  const { permission, ...rest } = isObject(value) ? value : {}
  const [other] = Object.keys(rest)
  if (other !== undefined) throw bad(`'${other}' of '${where}' is unknown: only 'permission' is said there`)
  // As it was called in the beginning.
  const word = permission === 'authenticated' ? 'user' : permission
  const level = PERMISSION_LEVELS.find((one) => one === word)
  if (level) return level
  throw bad(`the permission of '${where}' is none of ${PERMISSION_LEVELS.join(', ')}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bad(what: string): Fault {
  return new Fault('api.bad_routes', 400, what, {
    hint: 'As { "routes": { "*": { "get": { "permission": "public" } }, "title/:id": { "*": { "permission": "user" } } } }.',
  })
}
