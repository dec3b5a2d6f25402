// Rows as PostgreSQL prints them, in the same way on the lost primary and on the promoted one, so that they compare.
import type pg from 'pg'
import type { Row } from './stranded.ts'

/** Settings of a transaction that prints rows; `begin` comes before it. */
export const ROW_TEXT_SETTINGS = [
  "set local timezone = 'UTC'",
  "set local datestyle = 'ISO'",
  "set local intervalstyle = 'postgres'",
  "set local bytea_output = 'hex'",
  'set local extra_float_digits = 1',
].join('; ')

/**
 * Runs a statement and gives its rows as they are printed. A cast to text in SQL would not do: it turns a boolean into
 * `true`, where decoding gives `t`.
 */
export async function queryRows(client: pg.Client, text: string, values: unknown[]): Promise<Row[]> {
  const types = { getTypeParser: () => (value: string) => value }
  return (await client.query<Record<string, string | null>>({ text, values, types })).rows
}
