// The portable archive of one service: lines of JSON, packed. A header, a line for each row, a count and a checksum.

export const ARCHIVE_FORMAT = 1
export const ARCHIVE_TYPE = 'application/gzip'
/** Between control and hosts, which compress nothing. */
export const LINES_TYPE = 'application/x-ndjson'

/** A column's type as dynamic schema has it, or as SQL has it. System columns are left out: every table has them. */
export type ArchivedColumn = { name: string; type: string }

/** The host's first line: what lies there, at the moment of the rows that follow. */
export type ArchivedTables = { tables: { name: string; columns: ArchivedColumn[] }[] }

/** The host's last line. */
export type RowsEnd = { rows: number }

/** What an import put there, by table. */
export type ImportedRows = { rows: Record<string, number> }
