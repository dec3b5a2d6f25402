// What a server's apps database holds: our own functions, and for each service a schema, its roles and its tables.
// Everything is idempotent: the host repeats it until what is there is what is wanted.
import type pg from 'pg'
import type { SchemaAssignment } from '../contract/assignment.ts'
import {
  APPS_DATABASE,
  CREATED_AT_COLUMN,
  DELETED_COLUMN,
  DELETED_COLUMN_SQL,
  ID_LENGTH_MAX,
  type IdType,
  JOB_RUNS_TABLE,
  loginRole,
  OWN_TABLES,
  ownerRole,
  PLATFORM_SCHEMA,
  PROBE_TABLE,
  SETTLED_FUNCTION,
  TEXT_COLLATION,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
  VERSION_EPOCH_SHIFT,
  VERSION_SEQUENCE,
} from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'
import { REPLICATOR } from './cluster-config.ts'
import { ensurePushTables } from './push-schema.ts'
import { STAMPS_SQL } from './stamps.ts'

/** The logical slot that keeps what a lost primary wrote decodable; it exists before the first app write. */
export const DIVERGENCE_SLOT = 'mainstay_divergence'
/** What one session of an app may have in temporary files. */
const TEMPORARY_FILES_MAX = '2GB'
/** Says that all tables are decoded. */
export const PUBLICATION = 'mainstay'

/** Makes the replication role, the apps database and its platform objects on a running primary. */
export async function ensurePlatform(
  connect: <T>(database: string, work: (client: pg.Client) => Promise<T>) => Promise<T>,
  secrets: { replicationPassword: string },
): Promise<void> {
  await connect('postgres', async (client) => {
    await ensureRole(client, REPLICATOR, `login replication password ${literal(secrets.replicationPassword)}`)
    const found = await client.query('select 1 from pg_database where datname = $1', [APPS_DATABASE])
    if (found.rowCount === 0) await client.query(`create database ${id(APPS_DATABASE)}`)
    for (const database of ['postgres', 'template1', APPS_DATABASE]) {
      await client.query(`revoke all on database ${id(database)} from public`)
    }
  })
  await connect(APPS_DATABASE, async (client) => {
    await ensurePlatformObjects(client)
    const publication = await client.query('select 1 from pg_publication where pubname = $1', [PUBLICATION])
    if (publication.rowCount === 0) await client.query(`create publication ${id(PUBLICATION)} for all tables`)
    await ensureDivergenceSlot(client)
  })
}

/** Makes our functions and our collation in the apps database: all that an external server needs of us. */
export async function ensurePlatformObjects(client: pg.Client): Promise<void> {
  await client.query(PLATFORM_SQL)
}

/** Makes the divergence slot where it is missing or no longer usable. */
export async function ensureDivergenceSlot(client: pg.Client): Promise<void> {
  const found = await client.query<{ wal_status: string }>(
    'select wal_status from pg_replication_slots where slot_name = $1',
    [DIVERGENCE_SLOT],
  )
  if (found.rows[0]?.wal_status === 'lost') {
    await client.query('select pg_drop_replication_slot($1)', [DIVERGENCE_SLOT])
  } else if (found.rowCount !== 0) return
  await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [DIVERGENCE_SLOT])
}

/** Makes a service's schema what its assignment says, under the assigned epoch. Older epochs' logins are shut out first. */
export async function ensureSchema(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  await requireOwn(client, wanted)
  if (wanted.state === 'dropped') return await dropSchema(client, wanted)
  await fenceOlderLogins(client, wanted)
  await ensureOwner(client, wanted)
  await ensureProbeTable(client, wanted)
  await ensureJobRunsTable(client, wanted)
  await ensurePushTables(client, wanted)
  for (const table of wanted.droppedTables) await dropTable(client, wanted.schema, table)
  for (const table of wanted.tables) await ensureTable(client, wanted, table)
  await raiseVersions(client, wanted)
  // Last: with this login the new epoch is open for writing.
  if (wanted.state === 'open') await ensureLogin(client, wanted)
}

async function dropTable(client: pg.Client, schema: string, table: string): Promise<void> {
  await client.query(`drop table if exists ${id(schema)}.${id(table)}`)
}

/** `bytes`: on the disk, with its indexes and what is kept beside its rows. */
export type TableDescription = {
  columns: { name: string; type: string; indexed: boolean }[]
  rows: number
  bytes: number
}

/** The tables of a schema, our own left out: columns in order, exact row counts, and sizes. */
export async function describeTables(client: pg.Client, schema: string): Promise<Record<string, TableDescription>> {
  const columns = await client.query<{ table: string; name: string; type: string; indexed: boolean }>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
            exists (select 1 from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum) as indexed
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where n.nspname = $1 and c.relkind = 'r' and c.relname <> all($2) and a.attnum > 0 and not a.attisdropped
      order by c.relname, a.attnum`,
    [schema, OWN_TABLES],
  )
  const found: Record<string, TableDescription> = {}
  for (const { table, ...column } of columns.rows) {
    found[table] ??= { columns: [], ...(await measureTable(client, schema, table)) }
    found[table].columns.push(column)
  }
  return found
}

async function measureTable(
  client: pg.Client,
  schema: string,
  table: string,
): Promise<Pick<TableDescription, 'rows' | 'bytes'>> {
  const name = `${id(schema)}.${id(table)}`
  const found = await client.query<{ rows: string; bytes: string }>(
    `select count(*)::text as rows, pg_total_relation_size($1::regclass)::text as bytes from ${name}`,
    [name],
  )
  return { rows: Number(found.rows[0]?.rows ?? 0), bytes: Number(found.rows[0]?.bytes ?? 0) }
}

/** How many rows a table has. */
export async function countRows(client: pg.Client, schema: string, table: string): Promise<number> {
  const found = await client.query<{ rows: string }>(`select count(*)::text as rows from ${id(schema)}.${id(table)}`)
  return Number(found.rows[0]?.rows ?? 0)
}

// A schema of that name may be another service's, from another time: it is neither dropped nor taken over.
async function requireOwn(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const found = await client.query<{ owner: string }>(
    'select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1',
    [wanted.schema],
  )
  const owner = found.rows[0]?.owner
  if (owner === undefined || owner === ownerRole(wanted.serviceId)) return
  throw new Fault('server.foreign_schema', 409, `schema ${wanted.schema} belongs to ${owner}, not to this service`)
}

/** Shuts out the logins of services that have no business here: what was restored brings those of its time along. */
export async function fenceStrangers(client: pg.Client, serviceIds: string[]): Promise<void> {
  const roles = await client.query<{ rolname: string }>(
    `select rolname from pg_roles where rolcanlogin and rolname ~ '^svc_.*_e[0-9]+$'`,
  )
  const known = new Set(serviceIds.map(ownerRole))
  for (const { rolname } of roles.rows) {
    if (!known.has(rolname.replace(/_e\d+$/, ''))) await shutOut(client, rolname)
  }
}

async function shutOut(client: pg.Client, login: string): Promise<void> {
  await client.query(`alter role ${id(login)} nologin`)
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [login])
}

async function fenceOlderLogins(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const roles = await client.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname like $1 and rolcanlogin`,
    [`${ownerRole(wanted.serviceId).replaceAll('_', '\\_')}\\_e%`],
  )
  const current = wanted.state === 'open' ? loginRole(wanted.serviceId, wanted.epoch) : null
  for (const { rolname } of roles.rows) {
    if (rolname !== current) await shutOut(client, rolname)
  }
}

async function ensureOwner(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const owner = ownerRole(wanted.serviceId)
  await ensureRole(client, owner, 'nologin')
  await client.query(`create schema if not exists ${id(wanted.schema)} authorization ${id(owner)}`)
  await grantConnect(client, owner)
  await client.query(`create sequence if not exists ${sequenceOf(wanted)}`)
  await client.query(`alter sequence ${sequenceOf(wanted)} owner to ${id(owner)}`)
}

// Not where everybody may connect: on an external server the right to grant it may be somebody else's.
async function grantConnect(client: pg.Client, role: string): Promise<void> {
  const found = await client.query<{ name: string; may: boolean }>(
    `select current_database() as name, has_database_privilege($1, current_database(), 'connect') as may`,
    [role],
  )
  const [database] = found.rows
  if (database?.may === false) await client.query(`grant connect on database ${id(database.name)} to ${id(role)}`)
}

async function ensureLogin(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const login = loginRole(wanted.serviceId, wanted.epoch)
  const owner = ownerRole(wanted.serviceId)
  await ensureRole(client, login, `login password ${literal(wanted.loginPassword)}`)
  await client.query(`grant ${id(owner)} to ${id(login)}`)
  await client.query(`alter role ${id(login)} set role = ${literal(owner)}`)
  await client.query(`alter role ${id(login)} set search_path = ${id(wanted.schema)}`)
  await limitTemporaryFiles(client, login)
}

// Scripts send SQL of their own: what one statement spills must not fill the disk. Only a superuser may set it, and on
// an external server we are none.
async function limitTemporaryFiles(client: pg.Client, login: string): Promise<void> {
  await client.query(`
    do $$ begin
      alter role ${id(login)} set temp_file_limit = '${TEMPORARY_FILES_MAX}';
    exception when insufficient_privilege then null;
    end $$`)
}

async function ensureProbeTable(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const table = `${id(wanted.schema)}.${id(PROBE_TABLE)}`
  await client.query(
    `create table if not exists ${table}
       (id integer primary key, token text not null, epoch bigint not null, written_at timestamptz not null)`,
  )
  await client.query(`alter table ${table} owner to ${id(ownerRole(wanted.serviceId))}`)
}

async function ensureJobRunsTable(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  const table = `${id(wanted.schema)}.${id(JOB_RUNS_TABLE)}`
  await client.query(
    `create table if not exists ${table} (
       id bigint generated always as identity primary key,
       job text not null,
       due_at timestamptz,
       started_at timestamptz not null default clock_timestamp(),
       seen_at timestamptz not null,
       finished_at timestamptz,
       state text not null,
       note text,
       output text not null default '',
       epoch bigint not null,
       unique (job, due_at)
     )`,
  )
  await client.query(`alter table ${table} owner to ${id(ownerRole(wanted.serviceId))}`)
}

async function ensureTable(client: pg.Client, wanted: SchemaAssignment, table: string): Promise<void> {
  const found = await client.query(
    'select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2',
    [wanted.schema, table],
  )
  if (found.rowCount !== 0) return
  const mark = `alter table ${id(wanted.schema)}.${id(table)} add column ${id(DELETED_COLUMN)} ${DELETED_COLUMN_SQL};`
  const isMade = wanted.softDeleteTables?.includes(table) === true
  // One text, so that a crash leaves either no table or a whole one.
  const idType = wanted.integerTables?.includes(table) === true ? 'integer' : 'string'
  await client.query(`begin; ${createTableSql(wanted, table, idType)}; ${isMade ? mark : ''} commit`)
}

// Integers stay below 2^53: apps read them as numbers of JSON.
const ID_SQL: Record<IdType, string> = {
  string: `text collate ${TEXT_COLLATION} primary key check (length(id) between 1 and ${ID_LENGTH_MAX})`,
  integer: `bigint generated by default as identity (maxvalue ${Number.MAX_SAFE_INTEGER}) primary key`,
}

/** The statements that make a service's table, empty and with the columns that every table has. */
export function createTableSql(
  wanted: { schema: string; serviceId: string },
  table: string,
  idType: IdType = 'string',
): string {
  const name = `${id(wanted.schema)}.${id(table)}`
  return `create table ${name} (
       id ${ID_SQL[idType]},
       ${id(CREATED_AT_COLUMN)} timestamptz not null,
       ${id(UPDATED_AT_COLUMN)} timestamptz not null,
       ${id(VERSION_COLUMN)} bigint not null
     );
     create index on ${name} (${id(UPDATED_AT_COLUMN)}, id);
     alter table ${name} replica identity full;
     create trigger ${id('.stamp')} before insert or update on ${name}
       for each row execute function ${PLATFORM_SCHEMA}.stamp(${literal(sequenceOf(wanted))});
     alter table ${name} owner to ${id(ownerRole(wanted.serviceId))}`
}

// Versions carry the epoch in their upper bits, so that they rise across every change of home.
async function raiseVersions(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  await client.query(
    `select setval($1::regclass, $2::bigint << ${VERSION_EPOCH_SHIFT})
      where (select last_value from ${sequenceOf(wanted)}) < $2::bigint << ${VERSION_EPOCH_SHIFT}`,
    [sequenceOf(wanted), wanted.epoch],
  )
}

async function dropSchema(client: pg.Client, wanted: SchemaAssignment): Promise<void> {
  await fenceOlderLogins(client, wanted)
  const roles = await client.query<{ rolname: string }>(
    'select rolname from pg_roles where rolname = $1 or rolname like $2',
    [ownerRole(wanted.serviceId), `${ownerRole(wanted.serviceId).replaceAll('_', '\\_')}\\_e%`],
  )
  await client.query(`drop schema if exists ${id(wanted.schema)} cascade`)
  for (const { rolname } of roles.rows) {
    await client.query(`drop owned by ${id(rolname)}`)
    await client.query(`drop role if exists ${id(rolname)}`)
  }
}

/** The sequence of a schema's versions, as SQL. */
export function sequenceOf(wanted: { schema: string }): string {
  return `${id(wanted.schema)}.${id(VERSION_SEQUENCE)}`
}

async function ensureRole(client: pg.Client, role: string, attributes: string): Promise<void> {
  const find = async () =>
    await client.query<{ ours: boolean }>(`select pg_has_role(oid, 'usage') as ours from pg_roles where rolname = $1`, [
      role,
    ])
  const isThere = (await find()).rowCount !== 0
  await client.query(`${isThere ? 'alter' : 'create'} role ${id(role)} ${attributes}`)
  // On an external server we are no superuser: what a role owns we may change as its member only.
  if ((await find()).rows[0]?.ours === false) await client.query(`grant ${id(role)} to current_user`)
}

// `stamp` takes its transaction id before it reads the clock, and `settled` reads the clock before it looks at who has
// one: whoever writes then and is not seen gives later stamps. So a reader that ends its page at what `settled` says,
// the start of the oldest writing transaction at the latest, never skips a row. In this order only, hence by two
// statements: one alone would read the clock when it has seen everybody. The offset is a constant in a function
// (stamps.ts), because a table lookup for each row would cost more.
const PLATFORM_SQL = `
  create schema if not exists ${PLATFORM_SCHEMA};
  grant usage on schema ${PLATFORM_SCHEMA} to public;
  create collation if not exists ${TEXT_COLLATION} (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  -- What finds a part of a text by an index. An external server may not have it, or not let us.
  do $$ begin
    create extension if not exists pg_trgm with schema ${PLATFORM_SCHEMA};
  exception
    when insufficient_privilege or undefined_file or feature_not_supported then null;
    -- Somebody else just made it.
    when unique_violation or duplicate_object then null;
  end $$;
  ${STAMPS_SQL}
  create or replace function ${PLATFORM_SCHEMA}.stamp() returns trigger language plpgsql as $$
  begin
    perform pg_current_xact_id();
    new.${id(UPDATED_AT_COLUMN)} := clock_timestamp() + ${PLATFORM_SCHEMA}.stamp_offset();
    if tg_op = 'UPDATE' then
      new.${id(UPDATED_AT_COLUMN)} :=
        greatest(new.${id(UPDATED_AT_COLUMN)}, old.${id(UPDATED_AT_COLUMN)} + interval '1 microsecond');
      new.${id(CREATED_AT_COLUMN)} := old.${id(CREATED_AT_COLUMN)};
    else
      new.${id(CREATED_AT_COLUMN)} := new.${id(UPDATED_AT_COLUMN)};
    end if;
    new.${id(VERSION_COLUMN)} := nextval(tg_argv[0]::regclass);
    return new;
  end $$;
  create or replace function ${SETTLED_FUNCTION} returns timestamptz language plpgsql volatile
    security definer set search_path = pg_catalog as $$
  declare
    asked_at constant timestamptz := clock_timestamp();
    oldest timestamptz;
  begin
    -- A writer without a start began while we looked.
    select min(xact_start) into oldest from pg_stat_activity where backend_xid is not null and datid = (
      select oid from pg_database where datname = current_database());
    return least(asked_at, oldest) + ${PLATFORM_SCHEMA}.stamp_offset();
  end $$;
`
