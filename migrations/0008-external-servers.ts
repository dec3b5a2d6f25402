// External servers, and the id by which they know whose cloud it is. Breaking only for who attaches one: an older
// control process would take it for a server of ours, which its host refuses for want of a data folder.
import { type Kysely, sql } from 'kysely'

/** Adds columns and a table; every server that is there stays one of ours. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table servers
         add column kind text not null default 'managed' check (kind in ('managed', 'external')),
         -- Of an external one: how it is reached, sealed, since there is a password in it.
         add column endpoint text,
         add constraint servers_endpoint check ((kind = 'external') = (endpoint is not null));
       create table cloud (
         only_row boolean primary key default true check (only_row),
         id text not null default gen_random_uuid()::text
       )`,
    )
    .execute(db)
}
