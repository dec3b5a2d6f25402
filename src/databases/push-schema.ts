// The tables of push notifications in a service's schema: devices, what is sent to them, what was removed. They move, are
// backed up and recover with the rows of its apps.
import type pg from 'pg'
import { ownerRole, PUSH_TABLES } from '../contract/table-format.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'

/** Makes what is missing. */
export async function ensurePushTables(
  client: pg.Client,
  wanted: { schema: string; serviceId: string },
): Promise<void> {
  const known = await client.query(
    'select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2',
    [wanted.schema, PUSH_TABLES.feedback],
  )
  // Made last, in one go with the others.
  if (known.rowCount !== 0) return
  await client.query(`begin; ${tablesSql(wanted.schema, ownerRole(wanted.serviceId))} commit`)
}

// `seq` is the order in which devices are gone through; one that registers again keeps its place, so that a message that
// is under way misses none. `upto`: devices that came after a message are not for it.
function tablesSql(schema: string, owner: string): string {
  const of = (table: keyof typeof PUSH_TABLES) => `${id(schema)}.${id(PUSH_TABLES[table])}`
  const index = (name: string) => id(`${PUSH_TABLES.registrations}_${name}`)
  const owned = Object.keys(PUSH_TABLES) as (keyof typeof PUSH_TABLES)[]
  return `
    create table ${of('registrations')} (
      id text primary key,
      seq bigint generated always as identity unique,
      -- Null: the id was given out, and nobody has used it yet.
      platform text,
      channel text not null default '',
      keys jsonb,
      tags text[] not null default '{}',
      template_name text,
      template text,
      headers jsonb not null default '{}',
      installation text,
      expires_at timestamptz,
      created_at timestamptz not null default clock_timestamp(),
      updated_at timestamptz not null default clock_timestamp()
    );
    create index ${index('channel')} on ${of('registrations')} (md5(channel));
    create index ${index('tags')} on ${of('registrations')} using gin (tags);
    create index ${index('installation')} on ${of('registrations')} (installation) where installation is not null;
    create index ${index('unused')} on ${of('registrations')} (created_at) where platform is null;
    create table ${of('installations')} (
      id text primary key,
      document jsonb not null,
      platform text not null,
      channel text not null,
      updated_at timestamptz not null default clock_timestamp()
    );
    create index ${id(`${PUSH_TABLES.installations}_channel`)} on ${of('installations')} (md5(channel));
    create table ${of('sends')} (
      id bigint generated always as identity primary key,
      platform text not null,
      kind text not null,
      tags text,
      message jsonb not null,
      ttl_s integer,
      state text not null default 'sending',
      created_at timestamptz not null default clock_timestamp(),
      expires_at timestamptz not null,
      finished_at timestamptz,
      upto bigint not null,
      place bigint not null default 0,
      total integer not null,
      sent integer not null default 0,
      failed integer not null default 0,
      dead integer not null default 0,
      problem text,
      -- When there is next something to do, after how many tries in a row that the platform did not take.
      due_at timestamptz not null default clock_timestamp(),
      strikes integer not null default 0,
      -- Grows with each note of what was done: one that was noted already is not noted twice.
      turn bigint not null default 0,
      claimed_by text,
      claimed_until timestamptz,
      epoch bigint not null
    );
    create index ${id(`${PUSH_TABLES.sends}_sending`)} on ${of('sends')} (due_at) where state = 'sending';
    create table ${of('retries')} (
      send bigint not null references ${of('sends')} on delete cascade,
      registration text not null references ${of('registrations')} on delete cascade,
      tries integer not null,
      due_at timestamptz not null,
      primary key (send, registration)
    );
    create index ${id(`${PUSH_TABLES.retries}_registration`)} on ${of('retries')} (registration);
    create table ${of('feedback')} (
      id bigint generated always as identity primary key,
      platform text not null,
      channel text not null,
      reason text not null,
      removed_at timestamptz not null default clock_timestamp()
    );
    ${owned.map((table) => `alter table ${of(table)} owner to ${id(owner)};`).join('\n')}`
}
