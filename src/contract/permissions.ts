// Who may do what to a table: the four levels of the original, from open to closed.

export const PERMISSION_LEVELS = ['public', 'application', 'user', 'admin'] as const
export type PermissionLevel = (typeof PERMISSION_LEVELS)[number]

export const TABLE_OPERATIONS = ['insert', 'read', 'update', 'delete'] as const
export type TableOperation = (typeof TABLE_OPERATIONS)[number]

export type TablePermissions = Record<TableOperation, PermissionLevel>

/** What `mobile table create` gives when nothing is said: the original's default. */
export const DEFAULT_PERMISSIONS: TablePermissions = {
  insert: 'application',
  read: 'application',
  update: 'application',
  delete: 'application',
}
