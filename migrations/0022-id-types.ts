// Whether the ids of a table's rows are texts or integers that its server gives.
import { type Kysely, sql } from 'kysely'

/** Adds a column; an older control process makes tables with texts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw("alter table service_tables add column id_type text not null default 'string'").execute(db)
}
