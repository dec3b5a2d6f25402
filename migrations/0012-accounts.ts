// People who sign in, what their tokens may do and until when, and an audit whose rows hang together. Only adds; to an
// older control process every token is an owner's that never ends, as all were.
import { type Kysely, sql } from 'kysely'

/** Adds three tables, columns of tokens, and the chain of the audit. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table accounts (
         id text primary key,
         subscription_id text not null references subscriptions (id),
         name text not null,
         role text not null check (role in ('owner', 'operator', 'reader')),
         -- As argon2 writes it; null: not chosen yet, or signs in through an OpenID provider.
         password_hash text,
         -- Issuer and subject of an OpenID provider.
         oidc_subject text unique,
         created_at timestamptz not null default now(),
         last_seen_at timestamptz
       );
       create unique index accounts_by_name on accounts (subscription_id, lower(name));
       create table sessions (
         id_hash text primary key,
         account_id text not null references accounts (id) on delete cascade,
         created_at timestamptz not null default now(),
         seen_at timestamptz not null default now()
       );
       create index sessions_by_account on sessions (account_id);
       -- Links that let somebody choose a password; at most one for an account.
       create table invitations (
         account_id text primary key references accounts (id) on delete cascade,
         token_hash text not null unique,
         expires_at timestamptz not null
       );
       alter table operator_tokens
         add column role text not null default 'owner' check (role in ('owner', 'operator', 'reader')),
         add column expires_at timestamptz,
         add column last_used_at timestamptz;
       alter table audit
         -- Its place in the chain and the hash of it with the one before; null until control has sealed it.
         add column link bigint,
         add column hash text;
       create unique index audit_chain on audit (subscription_id, link);
       create index audit_unsealed on audit (id) where link is null`,
    )
    .execute(db)
}
