// Digests of a table's rows, and of ranges of them: what two copies are compared by.
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import {
  DIGEST_RANGES,
  type RangesAnswer,
  type RowDigest,
  type RowDigestsAnswer,
  type RowDigestsRequest,
} from '../contract/service-check.ts'
import { ID_COLUMN, UPDATED_AT_COLUMN, VERSION_COLUMN } from '../contract/table-format.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { EXPORT_LINE_BYTES_MAX, ROW_DIGESTS_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { ROW_TEXT_SETTINGS } from './divergence/row-text.ts'
import { AS_LINES } from './service-export.ts'

// An id as it was written, by its bytes.
const ID_BYTES = `t.${id(ID_COLUMN)}::text collate "C"`
const RANGE = `(('x' || left(md5(${ID_BYTES}), 8))::bit(32)::int & ${DIGEST_RANGES - 1})`

// Whatever order its columns are in, and whether one that it has nothing in is there at all.
function digestOf(columns: string[] | null): string {
  const row = columns === null ? 't' : `(select x from (select ${columns.map((name) => `t.${id(name)}`).join(', ')}) x)`
  return `md5(jsonb_strip_nulls(to_jsonb(${row}))::text)`
}

/** One checksum for each range of each table, and where this copy stands: read before, so that it holds no less. */
export async function readRanges(
  client: pg.Client,
  wanted: { schema: string; tables: string[] },
): Promise<RangesAnswer> {
  return await inSnapshot(client, async () => {
    const found: RangesAnswer = { lsn: await readLsn(client), tables: [] }
    for (const name of wanted.tables) {
      const { rows } = await client.query<{ range: number; rows: string; sum: string }>(
        `select ${RANGE} as range, count(*) as rows,
                md5(string_agg(${digestOf(null)}, '' order by ${ID_BYTES})) as sum
           from ${id(wanted.schema)}.${id(name)} t group by 1`,
      )
      const ranges = Array.from({ length: DIGEST_RANGES }, (_, at) => rows.find(({ range }) => range === at)?.sum ?? '')
      found.tables.push({ name, rows: rows.reduce((sum, one) => sum + Number(one.rows), 0), ranges })
    }
    return found
  })
}

/** The rows of some ranges, a page of them. */
export async function readRowDigests(client: pg.Client, wanted: RowDigestsRequest): Promise<RowDigestsAnswer> {
  return await inSnapshot(client, async () => {
    const { schema, table, ranges, after } = wanted
    const { rows } = await client.query<{ id: string; version: string; digest: string }>(
      `select t.${id(ID_COLUMN)}::text as id, t.${id(VERSION_COLUMN)}::text as version, ${digestOf(null)} as digest
         from ${id(schema)}.${id(table)} t
        where ${RANGE} = any($1::int[]) and ($2::text is null or ${ID_BYTES} > $2 collate "C")
        order by ${ID_BYTES} limit ${ROW_DIGESTS_MAX}`,
      [ranges, after],
    )
    return {
      rows: rows.map((row): RowDigest => [row.id, row.version, row.digest]),
      isLast: rows.length < ROW_DIGESTS_MAX,
    }
  })
}

/** A row as two copies of different moments are compared by: `updatedMs` since 1970. */
export type MomentDigest = { id: string; version: bigint; updatedMs: number; digest: string }

/** All rows of a table in the order of their ids' bytes, digested over some columns. */
export async function* streamRowDigests(
  client: pg.Client,
  where: { schema: string; table: string; columns: string[] },
): AsyncGenerator<MomentDigest> {
  const row = `json_build_array(t.${id(ID_COLUMN)}::text, t.${id(VERSION_COLUMN)}::text,
                 extract(epoch from t.${id(UPDATED_AT_COLUMN)}) * 1000, ${digestOf(where.columns)})`
  const select = `select ${row}::text from ${id(where.schema)}.${id(where.table)} t order by ${ID_BYTES}`
  const stream = client.query(copyTo(`copy (${select.replaceAll('\n', ' ')}) to stdout ${AS_LINES}`))
  for await (const line of linesOf(stream, EXPORT_LINE_BYTES_MAX)) {
    const [name, version, updatedMs, digest] = JSON.parse(line) as [string, string, number, string]
    yield { id: name, version: BigInt(version), updatedMs, digest }
  }
}

async function inSnapshot<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read read only')
  try {
    await client.query(ROW_TEXT_SETTINGS)
    return await work()
  } finally {
    await client.query('rollback').catch(() => {})
  }
}

async function readLsn(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>(
    `select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`,
  )
  return rows[0]?.lsn ?? '0/0'
}
