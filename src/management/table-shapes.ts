// Tables of a service as the original's management protocol writes them.
import type { TableChangeView, TableView } from '../contract/api.ts'
import { COLUMN_TYPES, type ColumnType, type TableChange } from '../contract/table-change.ts'
import { columnWord, DELETED_COLUMN, isReservedColumn } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'

/** What the original says where it has not counted; we say it where the region cannot be asked. */
const UNKNOWN = -1

/** A table in a list. `selflink`: where it is. */
export function tableEntry(table: TableView, selflink: string) {
  const indexCount = table.columns?.filter(({ indexed }) => indexed).length ?? UNKNOWN
  return {
    name: table.name,
    idType: table.idType,
    hasDeleted: table.hasSoftDelete ?? false,
    metrics: { indexCount, recordCount: table.recordCount ?? UNKNOWN, sizeBytes: table.bytes ?? UNKNOWN },
    selflink,
  }
}

/** The columns of a table, none where the region cannot be asked. */
export function columnEntries(table: TableView, { selflink, isOlder }: { selflink: string; isOlder: boolean }) {
  return (table.columns ?? []).map(({ name, type, indexed }) => ({
    name,
    type: typeWord(type, isOlder),
    selflink: `${selflink}/columns/${encodeURIComponent(name)}`,
    indexed,
    zumoIndex: indexed && !isReservedColumn(name),
  }))
}

// The words of dynamic schema; what it has none for comes with whose word it is.
function typeWord(type: string, isOlder: boolean): string {
  const word = columnWord(type)
  if (COLUMN_TYPES.some((one) => one === word)) return word
  if (type.startsWith('timestamp')) return 'date'
  // As integer ids were shown: scripts of teams look for that word.
  if (type === 'bigint') return isOlder ? 'bigint(MSSQL)' : 'bigint (MSSQL)'
  return `${type} (PostgreSQL)`
}

/** The scripts of a table; `names` are those in force, `table/TodoItem.insert`. */
export function tableScriptEntries(
  scripts: { name: string; bytes: number }[],
  { table, selflink }: { table: string; selflink: string },
) {
  const prefix = `table/${table}.`.toLowerCase()
  return scripts
    .filter(({ name }) => name.toLowerCase().startsWith(prefix))
    .map(({ name, bytes }) => {
      const operation = name.slice(prefix.length)
      return { operation, selflink: `${selflink}/scripts/${operation}`, sizeBytes: bytes }
    })
}

/** What adding a column means: one of ours, whose type is `auto`, is there already, or is soft delete. */
export function columnToAdd(column: string, type: string | undefined): TableChange | null {
  if (column.startsWith('__')) {
    if (column.toLowerCase() === DELETED_COLUMN.toLowerCase()) return { kind: 'soft_delete_on' }
    if (isReservedColumn(column)) return null
    throw new Fault('table.bad_column', 400, `'${column}' cannot be the name of a column`, {
      hint: 'Two underscores begin system columns: __createdAt, __updatedAt, __version, __deleted.',
    })
  }
  const known = COLUMN_TYPES.find((one) => one === type?.toLowerCase())
  if (known !== undefined) return { kind: 'add_column', column, type: known satisfies ColumnType }
  throw new Fault('table.bad_column', 400, `'${type ?? ''}' is no type of a column`, {
    hint: `Use one of ${COLUMN_TYPES.join(', ')}, as in ${column}=string.`,
  })
}

/** What taking a column away means. */
export function columnToDrop(column: string): TableChange {
  return column === DELETED_COLUMN ? { kind: 'soft_delete_off' } : { kind: 'drop_column', column }
}

/** 202 for an index that is still being built. */
export function statusOfIndex({ state }: TableChangeView): 201 | 202 {
  return state === 'building' ? 202 : 201
}
