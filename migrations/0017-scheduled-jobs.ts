// Scheduled jobs of services: when each is due. How they went lies with the service's data.
import { type Kysely, sql } from 'kysely'

/** Adds a table; an older control process knows no jobs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const jobs = `
    create table service_jobs (
      service_id text not null references services,
      name text not null,
      schedule jsonb not null,
      is_enabled boolean not null,
      overlap text not null,
      missed text not null,
      -- From then on it counts what is due: when it was enabled, or its schedule changed.
      counts_from timestamptz not null default now(),
      created_at timestamptz not null default now(),
      primary key (service_id, name)
    )`
  await sql.raw(jobs).execute(db)
  await sql.raw('create unique index service_jobs_name on service_jobs (service_id, lower(name))').execute(db)
}
