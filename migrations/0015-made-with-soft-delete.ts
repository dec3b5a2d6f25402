// How a table is made: with the column that soft delete needs, or without. What it has later its server knows.
import { type Kysely, sql } from 'kysely'

/** Adds a column; an older control process makes tables without. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const column = 'is_made_with_soft_delete boolean not null default false'
  await sql.raw(`alter table service_tables add column ${column}`).execute(db)
}
