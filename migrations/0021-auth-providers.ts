// How apps' users sign in: the providers of a service, and where their results may be handed over.
import { type Kysely, sql } from 'kysely'

/** Adds columns; an older control process leaves services as they were. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['auth_providers text', `login_redirects jsonb not null default '[]'`]) {
    await sql.raw(`alter table services add column ${column}`).execute(db)
  }
}
