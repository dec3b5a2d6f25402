// Databases that services were on before, and what a recovery may lose. An older control leaves them alone.
import { type Kysely, sql } from 'kysely'

/** Adds the table and the setting. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table former_schemas (
         service_id text not null references services,
         server text not null references servers,
         schema_name text not null,
         left_at timestamptz not null default now(),
         -- Kept at least until then; null: until somebody drops it by hand.
         kept_until timestamptz,
         is_dropping boolean not null default false,
         primary key (service_id, server)
       );
       -- A recovery that is predicted to lose more wants to be told so.
       alter table services add column loss_ms_max integer not null default 60000`,
    )
    .execute(db)
}
