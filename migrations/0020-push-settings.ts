// What services push notifications to devices with: credentials of the platforms, sealed, and who may register devices.
import { type Kysely, sql } from 'kysely'

/** Adds a column; an older control process knows no push. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table services add column push_settings text').execute(db)
}
