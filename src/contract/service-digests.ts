// What a service's runtime goes by, in three short texts that can be compared without telling a secret.
import { createHash } from 'node:crypto'
import type { TableDefinition } from './assignment.ts'

export type ServiceDigests = { settings: string; permissions: string; keys: string }

/** SHA-256 (hex) of each part, whatever order its tables come in. */
export function digestsOf(service: {
  isSchemaDynamic: boolean
  isKeyRequired?: boolean
  tables: TableDefinition[]
  applicationKey: string
  masterKey: string
}): ServiceDigests {
  const tables = [...service.tables].sort((left, right) => (left.name < right.name ? -1 : 1))
  const permissions = tables.map(({ name, permissions: of }) => [name, of.insert, of.read, of.update, of.delete])
  return {
    // As older releases have it where it is as it was with them.
    settings: sha256([service.isSchemaDynamic, ...(service.isKeyRequired === false ? ['keyless'] : [])]),
    permissions: sha256(permissions),
    keys: sha256([service.applicationKey, service.masterKey]),
  }
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
