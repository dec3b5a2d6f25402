// What `mobile table update --dry-run` says: each change in words, or the refusal that the table's server would give.
import type { DryRunView, TableView } from '../contract/api.ts'
import { NEW_COLUMN, type TableChange } from '../contract/table-change.ts'
import { ID_COLUMN, SYSTEM_COLUMNS } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'

/** A change in words; `change` where it is one of the table's shape. */
export type Planned = { plan: string; change?: TableChange }

const OWN = new Set<string>([ID_COLUMN, ...SYSTEM_COLUMNS].map((name) => name.toLowerCase()))

/**
 * Goes through the changes in their order, as if each were made. The table is looked at, not tried: its columns are on
 * its server, where each change is made by itself. Faults with what would be refused first.
 */
export function planTableUpdate(table: TableView, steps: Planned[]): DryRunView {
  if (table.columns === null) {
    throw new Fault('region.unreachable', 503, `the columns of '${table.name}' cannot be asked for`, {
      hint: 'See what is lost and what to do: mainstay status',
    })
  }
  const columns = new Set(table.columns.map(({ name }) => name.toLowerCase()))
  for (const { change } of steps) if (change) apply(table, columns, change)
  return { isDryRun: true, changes: steps.map(({ plan }) => plan) }
}

function apply({ name: table, idType }: TableView, columns: Set<string>, change: TableChange): void {
  if (change.kind === 'soft_delete_on' && idType === 'integer') {
    throw new Fault('table.integer_ids', 409, `the ids of '${table}' are integers: such a table has no soft delete`)
  }
  if (change.kind === 'soft_delete_on' || change.kind === 'soft_delete_off') return
  const { kind, column } = change
  const name = column.toLowerCase()
  if (kind === 'add_column') {
    if (!NEW_COLUMN.test(column)) throw new Fault('table.bad_column', 400, `'${column}' cannot be the name of a column`)
    if (columns.has(name)) throw new Fault('table.column_exists', 409, `'${table}' already has a column '${column}'`)
    columns.add(name)
    return
  }
  if (kind === 'drop_column' && OWN.has(name)) {
    throw new Fault('table.system_column', 400, `'${column}' is a system column and stays`)
  }
  if (!columns.has(name)) throw new Fault('table.column_unknown', 404, `'${table}' has no column '${column}'`)
  if (kind === 'drop_column') columns.delete(name)
}
