// Reading `insert=application,read=public,*=admin`.
import {
  API_METHODS,
  type ApiPermissions,
  DEFAULT_API_PERMISSIONS,
  DEFAULT_PERMISSIONS,
  PERMISSION_LEVELS,
  type PermissionLevel,
  TABLE_OPERATIONS,
  type TablePermissions,
} from '../contract/permissions.ts'
import { Fault } from '../kit/fault.ts'

/** The permissions of a new table. `*` stands for all that are not named, wherever it is in the list. */
export function parsePermissions(list: string): TablePermissions {
  return { ...DEFAULT_PERMISSIONS, ...parseNamedPermissions(list) }
}

/** The permissions that a list names, for a change: what it does not name is left out. */
export function parseNamedPermissions(list: string): Partial<TablePermissions> {
  return parseList(list, TABLE_OPERATIONS, 'insert=application,read=public,*=admin')
}

/** The permissions of a new custom API. */
export function parseApiPermissions(list: string): ApiPermissions {
  return { ...DEFAULT_API_PERMISSIONS, ...parseNamedApiPermissions(list) }
}

/** The same for a change: what the list does not name is left out. */
export function parseNamedApiPermissions(list: string): Partial<ApiPermissions> {
  return parseList(list, API_METHODS, 'get=public,post=user,*=admin')
}

function parseList<Name extends string>(
  list: string,
  names: readonly Name[],
  example: string,
): Partial<Record<Name, PermissionLevel>> {
  const named: Partial<Record<Name, PermissionLevel>> = {}
  let others: PermissionLevel | undefined
  const bad = (message: string, hint: string) =>
    new Fault('usage.bad_permissions', 400, message, { hint: `${hint} Example: -p ${example}` })
  for (const part of list.split(',').map((text) => text.trim())) {
    const [word = '', text = ''] = part.split('=').map((one) => one.trim().toLowerCase())
    const level = PERMISSION_LEVELS.find((one) => one === text)
    if (!level) throw bad(`'${part}' names no level`, `Levels are ${PERMISSION_LEVELS.join(', ')}.`)
    const name = names.find((one) => one === word)
    if (name) named[name] = level
    else if (word === '*') others = level
    else throw bad(`'${word}' is none of ${names.join(', ')}`, `Name one of those, or * for all others.`)
  }
  if (others === undefined) return named
  const all = Object.fromEntries(names.map((name) => [name, others])) as Record<Name, PermissionLevel>
  return { ...all, ...named }
}
