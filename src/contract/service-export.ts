// The portable export of one service: lines of JSON, packed. A header, a line for each row, a count and a checksum.

export const EXPORT_FORMAT = 1
export const EXPORT_TYPE = 'application/gzip'
/** Between control and hosts, which compress nothing. */
export const LINES_TYPE = 'application/x-ndjson'

/** A column's type as dynamic schema has it, or as SQL has it. System columns are left out: every table has them. */
export type ExportedColumn = { name: string; type: string }

/** The host's first line: what lies there, at the moment of the rows that follow. */
export type ExportedTables = { tables: { name: string; columns: ExportedColumn[] }[] }

/** The host's last line. */
export type RowsEnd = { rows: number }

/** What an import put there, by table. */
export type ImportedRows = { rows: Record<string, number> }
