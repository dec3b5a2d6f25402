// Who may call what of a custom API, route by route below its name.
import { type Kysely, sql } from 'kysely'

/** Adds a column. `permissions` are the strictest of it: an older control process lets nobody in by them who may not. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table service_apis add column routes jsonb').execute(db)
}
