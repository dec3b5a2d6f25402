// The JSON files beside scripts, in the form of the original: who may do what to a table or a custom API; when a job is
// due. Text ⇄ what rows hold. Pure.
import { Check } from 'typebox/value'
import { UpdateJob } from '../contract/api.ts'
import {
  API_METHODS,
  type ApiPermissions,
  PERMISSION_LEVELS,
  type PermissionLevel,
  TABLE_OPERATIONS,
  type TablePermissions,
} from '../contract/permissions.ts'
import type { JobDefinition } from '../contract/scheduled-job.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { checkSchedule } from '../kit/schedule.ts'

export type JobSettings = Omit<JobDefinition, 'name' | 'countsFrom'>
type Route = Partial<Record<string, PermissionLevel>>

/** What is so where no file says otherwise, and a job is new: it runs when somebody asks for it. */
export const DEFAULT_JOB: JobSettings = {
  schedule: { kind: 'none' },
  isEnabled: false,
  overlap: 'skip',
  missed: 'once',
}

// A table's operations by the method of their requests.
const AS_METHOD: Record<string, string> = { get: 'read', post: 'insert', patch: 'update', put: 'update' }
/** The original's word for it in code. */
const ALIASES: Record<string, PermissionLevel> = { authenticated: 'user' }
const HINT = 'As {"routes":{"*":{"get":{"permission":"application"}}}}.'

/** Reads `table/NAME.json`. What it leaves out is for admins. Faults with `source.bad_file`. */
export function parseTableFile(path: string, text: string): TablePermissions {
  const routes = parseRoutes(path, text, (word) => AS_METHOD[word] ?? word, TABLE_OPERATIONS)
  requireWhole(path, routes, 'a table')
  return levelsOf(routes, TABLE_OPERATIONS) as TablePermissions
}

/** Reads `api/NAME.json`. What it leaves out is for admins. Faults with `source.bad_file`. */
export function parseApiFile(path: string, text: string): ApiPermissions {
  const routes = parseRoutes(path, text, (word) => word, API_METHODS)
  requireWhole(path, routes, 'a custom API')
  return levelsOf(routes, API_METHODS) as ApiPermissions
}

/** Reads `scheduler/NAME.json`. Faults with `source.bad_file`. */
export function parseJobFile(path: string, text: string): JobSettings {
  const given = parseJson(path, text)
  if (!Check(UpdateJob, given)) {
    throw badFile(path, 'it has no schedule as jobs have', `As ${renderJobFile(DEFAULT_JOB).replace(/\s+/g, '')}.`)
  }
  const settings = { ...DEFAULT_JOB, ...given }
  try {
    checkSchedule(settings.schedule, Date.now())
  } catch (error) {
    throw badFile(path, messageOf(error), error instanceof Fault ? (error.hint ?? '') : '')
  }
  return settings
}

/** The file of a table or a custom API. In one order: out of a row the levels come in any. */
export function renderPermissions(permissions: TablePermissions | ApiPermissions): string {
  const levels: Partial<Record<string, PermissionLevel>> = permissions
  const keys = [...new Set([...TABLE_OPERATIONS, ...API_METHODS])].filter((key) => levels[key] !== undefined)
  const route = Object.fromEntries(keys.map((key) => [key, { permission: levels[key] }]))
  return `${JSON.stringify({ routes: { '*': route } }, null, 2)}\n`
}

/** The file of a job, in one order, too. */
export function renderJobFile({ schedule, isEnabled, overlap, missed }: JobSettings): string {
  const { kind, ...others } = schedule
  const rest = Object.entries(others).sort(([one], [other]) => (one < other ? -1 : 1))
  const fields = { schedule: { kind, ...Object.fromEntries(rest) }, isEnabled, overlap, missed }
  return `${JSON.stringify(fields, null, 2)}\n`
}

// By route, without the slashes around it; '' is the whole of it.
function parseRoutes(
  path: string,
  text: string,
  nameOf: (word: string) => string,
  known: readonly string[],
): Map<string, Route> {
  const file = parseJson(path, text)
  const { routes, ...others } = file
  const [other] = Object.keys(others)
  if (other !== undefined) throw badFile(path, `'${other}' means nothing in it`, HINT)
  if (!isObject(routes)) throw badFile(path, "it has no 'routes'", HINT)
  const found = new Map<string, Route>()
  for (const [name, given] of Object.entries(routes)) {
    if (!isObject(given)) throw badFile(path, `the route '${name}' is no object`, HINT)
    const route: Route = {}
    for (const [word, value] of Object.entries(given)) {
      // The whole route at once: {"permission": "user"}.
      const [method, level] = word === 'permission' ? ['*', value] : [nameOf(word.toLowerCase()), levelIn(value)]
      if (method !== '*' && !known.includes(method)) {
        throw badFile(path, `'${word}' is none of ${known.join(', ')} and *`, HINT)
      }
      const asLevel = typeof level === 'string' ? (ALIASES[level.toLowerCase()] ?? level.toLowerCase()) : ''
      const permission = PERMISSION_LEVELS.find((one) => one === asLevel)
      if (permission === undefined) {
        throw badFile(path, `'${word}' of '${name}' is for none of ${PERMISSION_LEVELS.join(', ')}`, HINT)
      }
      route[method] = permission
    }
    found.set(name.replace(/^\/+|\/+$/g, ''), route)
  }
  return found
}

function levelIn(value: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined
  return value.permission
}

function requireWhole(path: string, routes: ReadonlyMap<string, Route>, what: string): void {
  const part = [...routes.keys()].find((route) => route !== '' && route !== '*')
  if (part !== undefined) throw badFile(path, `the route '${part}' is none of ${what}`, 'Use the route "*".')
}

function levelsOf(routes: ReadonlyMap<string, Route>, known: readonly string[]): Route {
  const [own, all] = [routes.get('') ?? {}, routes.get('*') ?? {}]
  // What nothing is said of is closed, as it was in the original.
  return Object.fromEntries(known.map((key) => [key, own[key] ?? own['*'] ?? all[key] ?? all['*'] ?? 'admin']))
}

function parseJson(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw badFile(path, `it is no JSON: ${messageOf(error)}`, '')
  }
  if (!isObject(value)) throw badFile(path, 'it is no JSON object', '')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function badFile(path: string, reason: string, hint: string): Fault {
  return new Fault('source.bad_file', 400, `${path}: ${reason}`, hint === '' ? {} : { hint })
}
