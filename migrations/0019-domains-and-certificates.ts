// Host names of services' own, the certificates that are shown for them, and who issues some of those.
import { type Kysely, sql } from 'kysely'

/** Adds tables and columns; an older control process knows no domains, and tells gateways of none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const tables = [
    `create table service_certificates (
      service_id text not null references services,
      thumbprint text not null,
      chain text not null,
      private_key text not null,
      expires_at timestamptz not null,
      is_issued boolean not null default false,
      created_at timestamptz not null default now(),
      primary key (service_id, thumbprint)
    )`,
    `create table service_domains (
      name text primary key check (name = lower(name)),
      service_id text not null references services,
      thumbprint text,
      is_issued boolean not null default false,
      issue_failures integer not null default 0,
      issue_problem text,
      issue_due_at timestamptz,
      created_at timestamptz not null default now(),
      foreign key (service_id, thumbprint) references service_certificates
    )`,
    `create table certificate_challenges (
      token text primary key,
      domain text not null,
      answer text not null,
      operation_id text not null references operations
    )`,
    `create table certificate_authority (
      only_row boolean primary key default true check (only_row),
      directory_url text not null,
      contact text,
      account_key text not null,
      account_url text
    )`,
  ]
  for (const table of tables) await sql.raw(table).execute(db)
  await sql.raw('create index on service_domains (service_id)').execute(db)
  const columns = ['is_https_redirected boolean not null default false', 'hsts_seconds integer not null default 0']
  for (const column of columns) await sql.raw(`alter table services add column ${column}`).execute(db)
}
