// npm modules of scripts: what was installed, once, by its content, and which of it each service runs.
import { type Kysely, sql } from 'kysely'

/** Adds three tables and a column; an older control process tells hosts of no npm modules. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const tables = [
    `create table npm_modules (
      hash text primary key,
      bytes integer not null,
      unpacked_bytes integer not null,
      files integer not null,
      packages jsonb not null,
      lock_text text not null,
      used_at timestamptz not null default now()
    )`,
    // Of many texts the same may come.
    `create table npm_sources (
      source text primary key,
      hash text not null references npm_modules on delete cascade
    )`,
    // In parts: what is read or sent at once stays small.
    `create table npm_module_parts (
      hash text not null references npm_modules on delete cascade,
      part integer not null,
      content bytea not null,
      primary key (hash, part)
    )`,
  ]
  for (const table of tables) await sql.raw(table).execute(db)
  await sql.raw('create index on npm_sources (hash)').execute(db)
  await sql.raw('alter table services add column npm_modules text references npm_modules').execute(db)
}
