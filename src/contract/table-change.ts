// Changes of a table's shape, as control orders them from the host of its server.
import { type Static, Type } from 'typebox'

export const ColumnType = Type.Union([
  Type.Literal('string'),
  Type.Literal('number'),
  Type.Literal('boolean'),
  Type.Literal('date'),
])
export type ColumnType = Static<typeof ColumnType>

export type TableChange =
  | { kind: 'add_column'; column: string; type: ColumnType }
  | { kind: 'drop_column' | 'add_index' | 'drop_index'; column: string }

/** `building`: an index that takes long; asked again, the same answer or `done`. */
export type TableChangeResult = { state: 'done' | 'building'; column: string }
