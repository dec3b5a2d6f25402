// Databases that services were on before. Not breaking: an older control leaves the table alone.
import { type Kysely, sql } from 'kysely'

/** Adds the table. */
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
       )`,
    )
    .execute(db)
}
