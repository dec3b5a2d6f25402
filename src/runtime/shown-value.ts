// A value of a column as JSON shows it, and as the text that it is converted to.
import type { ColumnKind } from './columns.ts'

const ISO_FORMAT = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`

/** SQL for what is shown of a value; `text` is SQL for the value. */
export function shownSql(text: string, kind: ColumnKind): string {
  switch (kind) {
    // `MS` cuts off what is below a millisecond: a rounded time could lie after the row's own.
    case 'date':
      return `to_char(${text} at time zone 'UTC', ${ISO_FORMAT})`
    case 'timestamp':
      return `to_char(${text}, ${ISO_FORMAT})`
    case 'binary':
      return `replace(encode(${text}, 'base64'), E'\\n', '')`
    case 'version':
      return `encode(int8send(${text}), 'base64')`
    case 'text':
    case 'number':
    case 'boolean':
    case 'other':
      return text
  }
}
