// Custom APIs of services with who may call them, and what their scripts find in their environment.
import { type Kysely, sql } from 'kysely'

/** Adds a table and a column; an older control process knows no custom APIs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const apis = `
    create table service_apis (
      service_id text not null references services,
      name text not null,
      permissions jsonb not null,
      created_at timestamptz not null default now(),
      primary key (service_id, name)
    )`
  await sql.raw(apis).execute(db)
  await sql.raw('create unique index on service_apis (service_id, lower(name))').execute(db)
  await sql.raw('alter table services add column app_settings text').execute(db)
}
