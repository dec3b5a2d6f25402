// Reading `insert=application,read=public,*=admin`.
import {
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
  const named: Partial<TablePermissions> = {}
  let others: PermissionLevel | undefined
  for (const part of list.split(',').map((text) => text.trim())) {
    const [operation = '', level = ''] = part.split('=').map((text) => text.trim().toLowerCase())
    if (!isLevel(level)) throw bad(`'${part}' names no level`, `Levels are ${PERMISSION_LEVELS.join(', ')}.`)
    if (operation === '*') others = level
    else if (isOperation(operation)) named[operation] = level
    else throw bad(`'${operation}' is no table operation`, `Operations are ${TABLE_OPERATIONS.join(', ')} and *.`)
  }
  if (others === undefined) return named
  return { insert: others, read: others, update: others, delete: others, ...named }
}

function isLevel(text: string): text is PermissionLevel {
  return PERMISSION_LEVELS.some((level) => level === text)
}

function isOperation(text: string): text is keyof TablePermissions {
  return TABLE_OPERATIONS.some((operation) => operation === text)
}

function bad(message: string, hint: string): Fault {
  return new Fault('usage.bad_permissions', 400, message, {
    hint: `${hint} Example: -p insert=application,read=public,*=admin`,
  })
}
