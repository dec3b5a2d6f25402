// Several control processes on one control database, and what a restored one must know. Not breaking: only new tables.
import { type Kysely, sql } from 'kysely'

/** Adds the tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // Who is there: each process renews its own row. The id is its home's, so that a restart is known again.
  `create table controls (
     id text primary key,
     name text not null unique,
     domain text not null,
     version text not null,
     is_key_exported boolean not null default false,
     -- Of its vaults: how many, when the newest archive was whole in one of them, and what is wrong with any.
     vaults integer not null default 0,
     archived_at timestamptz,
     archive_problem text,
     started_at timestamptz not null default now(),
     seen_at timestamptz not null default now())`,
  // One row: who executes. It changes only when somebody else takes over; every write of the executor shares its lock.
  `create table executor (
     only_row boolean primary key default true check (only_row),
     term bigint not null,
     holder text,
     since timestamptz not null default now())`,
  `insert into executor (term) values (0)`,
  // Each restore from an archive. Until it is settled, nothing is decided: machines may know more than the archive.
  `create table restores (
     id text primary key,
     archive text not null,
     taken_at timestamptz not null,
     restored_at timestamptz not null default now(),
     settled_at timestamptz,
     -- The last epoch in the archive, and whether what was heard explains every one above: then nothing is hidden.
     epoch bigint not null,
     is_explained boolean not null default false,
     -- Machines that were heard since: of the others it is not known what they did after the archive was taken.
     heard jsonb not null default '[]')`,
  // What machines hold that a restored control does not know. Never dropped, only told.
  `create table unknown_holdings (
     machine text not null,
     kind text not null check (kind in ('machine', 'server', 'schema', 'service')),
     server text not null,
     name text not null,
     seen_at timestamptz not null default now(),
     primary key (machine, kind, server, name))`,
]
