// The JSON files beside scripts, in the form of the original: who may do what to a table or a custom API, and who may
// register devices for push; when a job is due. Text ⇄ what rows hold. Pure.
import { Check } from 'typebox/value'
import { UpdateJob } from '../contract/api.ts'
import {
  API_METHODS,
  levelOf,
  PERMISSION_LEVELS,
  type PermissionLevel,
  TABLE_OPERATIONS,
  type TablePermissions,
} from '../contract/permissions.ts'
import type { JobDefinition } from '../contract/scheduled-job.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { checkSchedule } from '../kit/schedule.ts'
import { generalPermissions, type KeptPermissions, parseApiRoutes } from '../services/api-routes.ts'

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
const AS_OPERATION: Record<string, string> = { get: 'read', post: 'insert', patch: 'update', put: 'update' }
/** By which devices are registered. */
const PUSH_METHODS = ['get', 'post', 'put', 'delete'] as const
/** The original's word for it in code. */
const ALIASES: Record<string, PermissionLevel> = { authenticated: 'user' }
const HINT = 'As {"routes":{"*":{"get":{"permission":"application"}}}}.'

/** Reads `table/NAME.json`. What it leaves out is for admins. Faults with `source.bad_file`. */
export function parseTableFile(path: string, text: string): TablePermissions {
  const routes = parseTableRoutes(path, routesIn(path, text))
  const [own, all] = [routes.get('') ?? {}, routes.get('*') ?? {}]
  const levelFor = (key: string) => own[key] ?? own['*'] ?? all[key] ?? all['*'] ?? 'admin'
  return Object.fromEntries(TABLE_OPERATIONS.map((key) => [key, levelFor(key)])) as TablePermissions
}

/** Reads `api/NAME.json`. What it leaves out is for admins. Faults with `source.bad_file`. */
export function parseApiFile(path: string, text: string): KeptPermissions {
  const routes = routesIn(path, text)
  try {
    return parseApiRoutes(routes)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw badFile(path, error.message, error.hint ?? '')
  }
}

/**
 * Reads `extensions/push.json`: who may register devices. What it leaves out is for admins; all of its routes have to say
 * the same, since there is one permission. Faults with `source.bad_file`.
 */
export function parsePushFile(path: string, text: string): PermissionLevel {
  const kept = parseApiFile(path, text)
  const all = [generalPermissions(kept), ...Object.values(kept.routes ?? {})]
  const [level, ...others] = new Set(all.flatMap((route) => PUSH_METHODS.map((method) => levelOf(route, method))))
  if (level !== undefined && others.length === 0) return level
  const hint = `As ${renderPushFile('user').replace(/\s+/g, '')}.`
  throw badFile(path, 'there is one permission for all routes and methods of push, and it says several', hint)
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

/** The file of a table. In one order: out of a row the levels come in any. */
export function renderTableFile(permissions: TablePermissions): string {
  return textOf({ '*': routeOf(permissions, TABLE_OPERATIONS) })
}

/** The file of a custom API. */
export function renderApiFile({ permissions, routes }: KeptPermissions): string {
  if (routes === null) return textOf({ '*': routeOf(permissions, API_METHODS) })
  const names = Object.keys(routes).sort()
  return textOf(Object.fromEntries(names.map((name) => [name, routeOf(routes[name] ?? {}, [...API_METHODS, '*'])])))
}

/** The file of who may register devices. */
export function renderPushFile(level: PermissionLevel): string {
  return textOf({ '*': { permission: level } })
}

function routeOf(levels: Route, keys: readonly string[]): Record<string, { permission: PermissionLevel }> {
  const said = keys.flatMap((key) => (levels[key] === undefined ? [] : [[key, { permission: levels[key] }] as const]))
  return Object.fromEntries(said)
}

function textOf(routes: Record<string, unknown>): string {
  return `${JSON.stringify({ routes }, null, 2)}\n`
}

/** The file of a job, in one order, too. */
export function renderJobFile({ schedule, isEnabled, overlap, missed }: JobSettings): string {
  const { kind, ...others } = schedule
  const rest = Object.entries(others).sort(([one], [other]) => (one < other ? -1 : 1))
  const fields = { schedule: { kind, ...Object.fromEntries(rest) }, isEnabled, overlap, missed }
  return `${JSON.stringify(fields, null, 2)}\n`
}

function routesIn(path: string, text: string): Record<string, unknown> {
  const { routes, ...others } = parseJson(path, text)
  const [other] = Object.keys(others)
  if (other !== undefined) throw badFile(path, `'${other}' means nothing in it`, HINT)
  if (!isObject(routes)) throw badFile(path, "it has no 'routes'", HINT)
  return routes
}

// By route, without the slashes around it; '' is the whole of it.
function parseTableRoutes(path: string, routes: Record<string, unknown>): Map<string, Route> {
  const found = new Map<string, Route>()
  for (const [name, given] of Object.entries(routes)) {
    const whole = name.replace(/^\/+|\/+$/g, '')
    if (whole !== '' && whole !== '*') throw badFile(path, `a table has no route '${name}'`, 'Use the route "*".')
    if (!isObject(given)) throw badFile(path, `the route '${name}' is no object`, HINT)
    const route: Route = {}
    for (const [word, value] of Object.entries(given)) {
      // The whole route at once: {"permission": "user"}.
      const asOperation = AS_OPERATION[word.toLowerCase()] ?? word.toLowerCase()
      const [operation, level] = word === 'permission' ? ['*', value] : [asOperation, levelIn(value)]
      if (operation !== '*' && !TABLE_OPERATIONS.some((one) => one === operation)) {
        throw badFile(path, `'${word}' is none of ${TABLE_OPERATIONS.join(', ')} and *`, HINT)
      }
      const asLevel = typeof level === 'string' ? (ALIASES[level.toLowerCase()] ?? level.toLowerCase()) : ''
      const permission = PERMISSION_LEVELS.find((one) => one === asLevel)
      if (permission === undefined) {
        throw badFile(path, `'${word}' of '${name}' is for none of ${PERMISSION_LEVELS.join(', ')}`, HINT)
      }
      route[operation] = permission
    }
    found.set(whole, route)
  }
  return found
}

function levelIn(value: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined
  return value.permission
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
