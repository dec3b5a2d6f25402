// Names that people give: of services and of tables.
import { Fault } from '../kit/fault.ts'

// The original's rule: a DNS label of 2 to 48 characters.
const SERVICE_NAME = /^[a-zA-Z][0-9a-zA-Z-]{0,46}[0-9a-zA-Z]$/
const TABLE_NAME = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/

/** Faults with `service.bad_name` unless the name can be a service's. */
export function requireServiceName(name: string): void {
  if (SERVICE_NAME.test(name)) return
  throw new Fault('service.bad_name', 400, `'${name}' cannot be the name of a mobile service`, {
    hint: 'Use 2 to 48 letters, digits and hyphens; begin with a letter, end with a letter or digit.',
  })
}

/** Faults with `table.bad_name` unless the name can be a table's. */
export function requireTableName(name: string): void {
  if (TABLE_NAME.test(name)) return
  throw new Fault('table.bad_name', 400, `'${name}' cannot be the name of a table`, {
    hint: 'Use 1 to 63 letters, digits and underscores, beginning with a letter.',
  })
}
