// The control database as first made. Not breaking: there is nothing before it.
import { type Kysely, sql } from 'kysely'

/** Makes every table. Times are timestamptz, secrets are sealed text, lists and objects jsonb. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table subscriptions (
     id text primary key,
     name text not null unique,
     created_at timestamptz not null default now())`,
  `insert into subscriptions (id, name) values ('default', 'default')`,
  `create table secrets (
     name text primary key,
     sealed text not null)`,
  `create table operator_tokens (
     id text primary key,
     subscription_id text not null references subscriptions,
     principal text not null,
     token_hash text not null unique,
     created_at timestamptz not null default now())`,
  `create table join_tokens (
     id text primary key,
     secret_hash text not null,
     role text not null,
     domain text not null,
     expires_at timestamptz not null,
     used_by text)`,
  `create table machines (
     name text primary key,
     role text not null,
     domain text not null,
     address text,
     port integer,
     public_url text,
     joined_at timestamptz not null default now())`,
  `create table regions (
     slug text primary key,
     name text not null unique,
     reserved_units integer not null check (reserved_units >= 0),
     shared_slots integer not null check (shared_slots >= 0),
     ordinal serial)`,
  // One row: the version of all that control wants. Every change of intent takes the next one.
  `create table desired (
     only_row boolean primary key default true check (only_row),
     version bigint not null)`,
  `insert into desired (version) values (1)`,
  // One sequence for every epoch: an epoch is never used twice, for anything.
  `create sequence epochs start 1`,
  `create table servers (
     name text primary key,
     home_region text not null references regions,
     is_default boolean not null,
     epoch bigint not null,
     superuser_password text not null,
     replication_password text not null,
     is_initialized boolean not null default false,
     created_at timestamptz not null default now())`,
  `create table server_members (
     server text not null references servers,
     machine text not null references machines,
     role text not null check (role in ('primary', 'standby', 'quarantined')),
     -- Of a standby: building, streaming, arming, ready, released.
     standing text,
     lease_term integer not null default 0,
     slot text,
     is_old_primary_stopped boolean not null default false,
     fork_lsn text,
     primary key (server, machine))`,
  // The rule that all else stands on, held by the database itself.
  `create unique index one_primary_per_server on server_members (server) where role = 'primary'`,
  `create table operations (
     id text primary key,
     subscription_id text not null references subscriptions,
     principal text not null,
     kind text not null,
     service_id text not null,
     service_name text not null,
     state text not null check (state in ('running', 'succeeded', 'failed', 'needs_you')),
     input jsonb not null,
     plan jsonb,
     steps jsonb not null,
     facts jsonb not null default '{}',
     error jsonb,
     report jsonb,
     next text,
     revision integer not null default 1,
     idempotency_key text,
     holder text,
     held_until timestamptz,
     started_at timestamptz not null default now(),
     finished_at timestamptz)`,
  `create unique index operations_idempotency on operations (subscription_id, idempotency_key)`,
  `create index operations_open on operations (state) where state = 'running'`,
  `create table services (
     id text primary key,
     subscription_id text not null references subscriptions,
     name text not null,
     schema_name text not null,
     region text not null references regions,
     machine text not null references machines,
     mode text not null check (mode in ('shared', 'reserved')),
     units integer not null check (units >= 1),
     epoch bigint not null,
     server text not null references servers,
     -- creating, ready, recovering, activating, deleting, archived, deleted
     state text not null,
     application_key text not null,
     master_key text not null,
     login_password text not null,
     is_schema_dynamic boolean not null default true,
     secondary_for text references services,
     operation_id text references operations,
     created_at timestamptz not null default now(),
     ended_at timestamptz,
     is_data_dropped boolean not null default false)`,
  `create unique index services_name on services (lower(name)) where ended_at is null`,
  // A schema stays its service's own also after the service ended with its data kept.
  `create unique index services_schema on services (server, schema_name) where not is_data_dropped`,
  `create unique index one_secondary_per_primary on services (secondary_for) where secondary_for is not null and ended_at is null`,
  `create table service_tables (
     service_id text not null references services,
     name text not null,
     permissions jsonb not null,
     -- Nobody serves it any more; the row goes when the table itself is gone.
     is_dropping boolean not null default false,
     created_at timestamptz not null default now(),
     primary key (service_id, name))`,
  `create unique index service_tables_name on service_tables (service_id, lower(name))`,
  // What a consumed or deleted service was: enough to bring it back.
  `create table archives (
     id text primary key,
     subscription_id text not null references subscriptions,
     service_id text not null,
     name text not null,
     reason text not null,
     content jsonb not null,
     created_at timestamptz not null default now())`,
  `create table incidents (
     id text primary key,
     kind text not null,
     subject text not null,
     state text not null,
     cause text not null,
     message text not null,
     evidence jsonb not null,
     opened_at timestamptz not null default now(),
     closed_at timestamptz)`,
  `create unique index incidents_open on incidents (kind, subject) where closed_at is null`,
]
