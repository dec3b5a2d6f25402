// Changes of a table's shape, as control orders them from the host of its server.

export const COLUMN_TYPES = ['string', 'number', 'boolean', 'date'] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

/** What dynamic schema takes, less what would have to be quoted everywhere, and never one of ours. */
export const NEW_COLUMN = /^[A-Za-z][A-Za-z0-9_]{0,62}$/

export type TableChange =
  | { kind: 'add_column'; column: string; type: ColumnType }
  | { kind: 'drop_column' | 'add_index' | 'drop_index'; column: string }
  /** A delete marks a row; or, off: takes it away, and with it all that are marked. */
  | { kind: 'soft_delete_on' }
  | { kind: 'soft_delete_off' }

/** `building`: an index that takes long; asked again, the same answer or `done`. */
export type TableChangeResult = { state: 'done' | 'building'; column: string }
