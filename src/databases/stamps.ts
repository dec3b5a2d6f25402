// Where new stamps (`updatedAt`) start: a constant on each server that is ahead of its clock where that must be. Raised
// at a promotion, a restore and a change of database, so that no stamp is given twice or goes back.
import type pg from 'pg'
import { PLATFORM_SCHEMA, UPDATED_AT_COLUMN } from '../contract/table-format.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'

// After a promotion new stamps start this far above the newest one that arrived: the old side may have stamped a little
// more that never did.
const MARGIN = '5 seconds'
// Two that raise at once would replace the same function: they take turns (pg_advisory_xact_lock).
const TURN = 1_297_306_707
const OFFSET = `${PLATFORM_SCHEMA}.stamp_offset()`
// What new stamps were to be above when another server told so; its own rows may know nothing of it.
const FLOOR = `${PLATFORM_SCHEMA}.stamp_floor()`

/** Makes the two functions where they are missing: part of what a database of the apps begins with. */
export const STAMPS_SQL = `
  do $$ begin
    if to_regprocedure('${OFFSET}') is null then
      create function ${OFFSET} returns interval language sql immutable as 'select interval ''0''';
    end if;
    if to_regprocedure('${FLOOR}') is null then
      create function ${FLOOR} returns timestamptz language sql immutable as 'select timestamptz ''-infinity''';
    end if;
  end $$;
`

/**
 * New stamps start above every stamp that arrived, even where this machine's clock is behind the lost one's, and above
 * what was said by `raiseStampsAbove`.
 */
export async function raiseStamps(client: pg.Client): Promise<void> {
  const tables = await client.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_attribute a
       join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where a.attname = $1 and c.relkind = 'r' and not a.attisdropped`,
    [UPDATED_AT_COLUMN],
  )
  let newest: string | null = null
  for (const { schema, name } of tables.rows) {
    const found: pg.QueryResult<{ newest: string | null }> = await client.query(
      `select greatest(max(${id(UPDATED_AT_COLUMN)}), $1::timestamptz)::text as newest from ${id(schema)}.${id(name)}`,
      [newest],
    )
    newest = found.rows[0]?.newest ?? newest
  }
  await setStart(client, { above: newest === null ? 'null' : `${literal(newest)}::timestamptz + interval '${MARGIN}'` })
}

/**
 * New stamps start above `aboveMs` (milliseconds since 1970), even where this machine's clock is behind; what was raised
 * before stays raised. Returns the first stamp that may be given now, in milliseconds since 1970.
 */
export async function raiseStampsAbove(client: pg.Client, aboveMs: number): Promise<number> {
  // Stamps are in microseconds, and the newest is not to be given twice.
  const floor = `to_timestamp(${(aboveMs + 1).toFixed(3)}::numeric / 1000)`
  await setStart(client, { above: `clock_timestamp() + ${OFFSET}`, floor })
  const now = await client.query<{ ms: string }>(
    `select extract(epoch from clock_timestamp() + ${OFFSET}) * 1000 as ms`,
  )
  return Number(now.rows[0]?.ms)
}

// Above both, of which the floor is kept; they are SQL of ours. One statement, so that the turn is given back with its
// transaction.
async function setStart(client: pg.Client, { above, floor }: { above: string; floor?: string }): Promise<void> {
  await client.query(`
    do $$
    declare
      wanted timestamptz;
      lowest timestamptz;
    begin
      perform pg_advisory_xact_lock(${TURN});
      -- A table that is opened anew makes this session hear what others have replaced meanwhile.
      execute 'select 1 from pg_catalog.pg_proc limit 0';
      if to_regprocedure('${FLOOR}') is null then
        lowest := '-infinity';
      else
        execute 'select ${FLOOR}' into lowest;
      end if;
      lowest := greatest(lowest, ${floor ?? "'-infinity'"});
      execute $sql$select ${above}$sql$ into wanted;
      wanted := greatest(wanted, lowest);
      execute format(
        'create or replace function ${OFFSET} returns interval language sql immutable as %L',
        format('select interval %L', case
          when wanted > clock_timestamp() then extract(epoch from wanted - clock_timestamp())::numeric(20, 6) || ' seconds'
          else '0' end));
      execute format(
        'create or replace function ${FLOOR} returns timestamptz language sql immutable as %L',
        format('select timestamptz %L', lowest));
    end $$`)
}
