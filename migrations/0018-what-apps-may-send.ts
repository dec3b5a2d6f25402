// What a service takes from apps: from which pages, over what, and how much at once.
import { type Kysely, sql } from 'kysely'

/** Adds columns; an older control process leaves services as they were. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const columns = [
    `cors_origins jsonb not null default '["localhost"]'`,
    'is_https_required boolean not null default false',
    'body_kb integer not null default 1024',
  ]
  for (const column of columns) await sql.raw(`alter table services add column ${column}`).execute(db)
}
