// Whom incidents are told to, and what is still to be told. Only adds; an older control process tells nobody.
import { type Kysely, sql } from 'kysely'

/** Adds two tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table notice_targets (
         id text primary key,
         subscription_id text not null references subscriptions (id),
         kind text not null check (kind in ('webhook', 'email')),
         -- An address, or where a webhook leads without the part that may be a secret.
         target text not null,
         -- Of a webhook: its whole URL and what it is signed with, sealed JSON.
         secret text,
         severity text not null check (severity in ('Degraded', 'Unhealthy')),
         created_at timestamptz not null default now()
       );
       create table notices (
         id text primary key,
         target_id text not null references notice_targets (id) on delete cascade,
         event jsonb not null,
         created_at timestamptz not null default now(),
         attempts integer not null default 0,
         -- Null: nothing is to be done any more.
         due_at timestamptz default now(),
         sent_at timestamptz,
         problem text
       );
       create index notices_due on notices (due_at) where due_at is not null`,
    )
    .execute(db)
}
