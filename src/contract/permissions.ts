// Who may do what to a table or a custom API: the four levels of the original, from open to closed.

export const PERMISSION_LEVELS = ['public', 'application', 'user', 'admin'] as const
export type PermissionLevel = (typeof PERMISSION_LEVELS)[number]

export const TABLE_OPERATIONS = ['insert', 'read', 'update', 'delete'] as const
export type TableOperation = (typeof TABLE_OPERATIONS)[number]

export type TablePermissions = Record<TableOperation, PermissionLevel>

export const API_METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const
export type ApiMethod = (typeof API_METHODS)[number]

export type ApiPermissions = Record<ApiMethod, PermissionLevel>

/** Of one route of a custom API: `*` is for methods that it does not name. */
export type RoutePermissions = Partial<Record<ApiMethod | '*', PermissionLevel>>
/** By routes as its script registers them, without slashes around: `title/:id`; `/` is the API itself, `*` any other. */
export type ApiRoutes = Record<string, RoutePermissions>

/** Who may call a method of a route. What it does not say is for admins. */
export function levelOf(route: RoutePermissions, method: ApiMethod): PermissionLevel {
  return route[method] ?? route['*'] ?? 'admin'
}

/** What `mobile api create` gives when nothing is said: the original's default. */
export const DEFAULT_API_PERMISSIONS: ApiPermissions = {
  get: 'application',
  put: 'application',
  post: 'application',
  patch: 'application',
  delete: 'application',
}

/** What `mobile table create` gives when nothing is said: the original's default. */
export const DEFAULT_PERMISSIONS: TablePermissions = {
  insert: 'application',
  read: 'application',
  update: 'application',
  delete: 'application',
}
