// Repositories of services that were deleted with their data: they go with it.
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

// In the order in which they name each other.
const TABLES = ['source_deployments', 'source_packs', 'source_refs', 'source_repositories'] as const

/** Removes them, and the pieces that nobody names any more. */
export async function removeEndedRepositories(db: Kysely<ControlDatabase>): Promise<void> {
  if ((await listEnded(db)).length === 0) return
  await db.transaction().execute(async (trx) => {
    // A piece is stored once for all: whoever stores a pack now may count on one that is there, and ends first.
    await sql`lock table source_chunks in share row exclusive mode`.execute(trx)
    const ended = await listEnded(trx)
    if (ended.length === 0) return
    for (const table of TABLES) await trx.deleteFrom(table).where('service_id', 'in', ended).execute()
    const named = sql`select from (select unnest(chunks) as hash from source_packs) as named`
    const isNamed = sql<boolean>`exists (${named} where named.hash = source_chunks.hash)`
    await trx
      .deleteFrom('source_chunks')
      .where((is) => is.not(isNamed))
      .execute()
  })
}

async function listEnded(db: Kysely<ControlDatabase>): Promise<string[]> {
  const rows = await db
    .selectFrom('source_repositories')
    .innerJoin('services', 'services.id', 'source_repositories.service_id')
    .select('services.id')
    .where('services.state', '=', 'deleted')
    // In the middle of a change it may be about to go back.
    .where('services.operation_id', 'is', null)
    .execute()
  return rows.map(({ id }) => id)
}
