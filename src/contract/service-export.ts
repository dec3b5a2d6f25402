// The portable export of one service: lines of JSON, packed. A header, a line for each row, a count and a checksum.

/** Format 2 tells of tables whose ids are integers; an export without such is written as format 1 still. */
export const EXPORT_FORMAT = 2
export const EXPORT_TYPE = 'application/gzip'
/** Between control and hosts, which compress nothing. */
export const LINES_TYPE = 'application/x-ndjson'

/** A column's type as dynamic schema has it, or as SQL has it. System columns are left out: every table has them. */
export type ExportedColumn = { name: string; type: string }

/** The host's first line: what lies there, at the moment of the rows that follow. */
export type ExportedTables = { tables: ExportedTable[] }
/** `lastId`: the last integer that was given as an id, as digits; where ids are integers. */
export type ExportedTable = { name: string; columns: ExportedColumn[]; lastId?: string }

/** The host's last line. */
export type RowsEnd = { rows: number }

/** What an import put there, by table. */
export type ImportedRows = { rows: Record<string, number> }
