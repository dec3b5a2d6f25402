// Repositories of services: their packs and refs, what was deployed of them, and who may push with a password.
import { type Kysely, sql } from 'kysely'

/** Adds tables; an older control process changes scripts without a commit, so all are to be of one release. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const tables = [
    `create table source_repositories (
      service_id text primary key references services,
      branch text not null,
      created_at timestamptz not null default now()
    )`,
    `create table source_refs (
      service_id text not null references source_repositories,
      name text not null,
      hash text not null,
      primary key (service_id, name)
    )`,
    `create table source_chunks (hash text primary key, bytes bytea not null)`,
    `create table source_packs (
      id text primary key,
      seq bigint generated always as identity,
      service_id text not null references source_repositories,
      bytes bigint not null,
      chunks text[] not null,
      created_at timestamptz not null default now()
    )`,
    `create table source_deployments (
      service_id text not null references source_repositories,
      number integer not null,
      kind text not null,
      is_deployed boolean not null,
      branch text not null,
      hash text not null,
      principal text not null,
      author text not null,
      message text not null,
      changes jsonb not null,
      log text not null,
      created_at timestamptz not null default now(),
      primary key (service_id, number)
    )`,
    `create table deployment_users (
      subscription_id text not null,
      name text not null check (name = lower(name)),
      password_hash text not null,
      principal text not null,
      created_at timestamptz not null default now(),
      last_used_at timestamptz,
      primary key (subscription_id, name)
    )`,
  ]
  for (const table of tables) await sql.raw(table).execute(db)
  await sql.raw('create index on source_packs (service_id, seq)').execute(db)
  // A pack is compressed as it is.
  await sql.raw('alter table source_chunks alter column bytes set storage external').execute(db)
}
