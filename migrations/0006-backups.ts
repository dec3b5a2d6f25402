// Servers that are made from what a vault holds of another. Not breaking: an older control leaves the columns alone.
import { type Kysely, sql } from 'kysely'

/** Adds the columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table servers
         -- Whose backups it is made from, and what of them; of interest until it was open for the first time.
         add column restored_from text references servers,
         add column restore_target jsonb`,
    )
    .execute(db)
}
