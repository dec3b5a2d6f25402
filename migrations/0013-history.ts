// What was measured: the requests of apps, and how servers and machines stood; thinned as it gets old. Only adds; an
// older control process answers a gateway that tells it with 404, and the gateway tells another or waits.
import { type Kysely, sql } from 'kysely'

/** Adds two tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table usage (
         service_id text not null,
         period_s integer not null,
         at timestamptz not null,
         -- The gateway and its run, while the minute is not thinned; empty afterwards.
         source text not null,
         requests bigint not null,
         errors bigint not null,
         bytes_out bigint not null,
         latencies integer[] not null,
         devices bytea,
         primary key (service_id, period_s, at, source)
       );
       create index usage_by_age on usage (period_s, at);
       create table measures (
         kind text not null,
         subject text not null,
         measure text not null,
         period_s integer not null,
         at timestamptz not null,
         n integer not null,
         total double precision not null,
         low double precision not null,
         high double precision not null,
         primary key (kind, subject, measure, period_s, at)
       );
       create index measures_by_age on measures (period_s, at)`,
    )
    .execute(db)
}
