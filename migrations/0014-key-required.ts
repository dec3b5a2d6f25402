// Whether clients that know no application key are asked for it. Services that are there go on asking everybody.
import { type Kysely, sql } from 'kysely'

/** Adds a column; an older control process asks everybody. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table services add column is_key_required boolean not null default true').execute(db)
}
