// When the backups of servers that ended were taken out of the vault. Only adds; an older control process removes none.
import { type Kysely, sql } from 'kysely'

/** Adds a column; null: they are still there, as far as there were any. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table servers add column backups_removed_at timestamptz').execute(db)
}
