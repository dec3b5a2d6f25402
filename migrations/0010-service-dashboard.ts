// The Service Dashboard: where an incident was, what operators wrote, and whether the public reads names. Only adds; an
// older control process writes incidents without a place, which the public page leaves out.
import { type Kysely, sql } from 'kysely'

/** Adds columns and a table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table incidents add column area text;
       create index incidents_by_time on incidents (opened_at);
       alter table cloud add column shows_names boolean not null default false;
       create table status_posts (
         id text primary key,
         at timestamptz not null default now(),
         principal text not null,
         title text not null,
         text text not null,
         window_from timestamptz,
         window_to timestamptz,
         check ((window_from is null) = (window_to is null)),
         check (window_to > window_from)
       )`,
    )
    .execute(db)
}
