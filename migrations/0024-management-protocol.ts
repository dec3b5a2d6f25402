// What the original's own tools are known by: the subscription's id in their paths, certificates, and the ids of requests.
import { type Kysely, sql } from 'kysely'

/** Adds two columns and three tables; an older control process has no listener for such tools. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // Ended with its data, which is dropped then.
    'alter table services add column drop_data_at timestamptz',
    'alter table subscriptions add column protocol_id text not null unique default gen_random_uuid()::text',
    `create table management_certificates (
      id text primary key,
      subscription_id text not null references subscriptions,
      name text not null,
      role text not null check (role in ('owner', 'operator', 'reader')),
      -- SHA-256 of the certificate, lower-case hex.
      fingerprint text not null unique,
      issued_by text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      last_used_at timestamptz,
      revoked_at timestamptz
    )`,
    `create table management_requests (
      id text primary key,
      subscription_id text not null references subscriptions,
      -- Null: nothing had to be done.
      operation_id text references operations,
      created_at timestamptz not null default now()
    )`,
    'create index on management_requests (created_at)',
    `create table management_recoveries (
      subscription_id text not null references subscriptions,
      -- Lower-case name of the service whose capacity was asked for.
      secondary text not null,
      primary_name text not null,
      operation_id text references operations,
      state text not null check (state in ('running', 'failed')),
      changed_at timestamptz not null default now(),
      primary key (subscription_id, secondary)
    )`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
