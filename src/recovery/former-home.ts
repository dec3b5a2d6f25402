// Where services were before they were recovered.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { newestOf } from '../operations/newest.ts'
import type { Place } from '../regions/ledger.ts'

type Homed = { id: string; region: string }

/** The region, by its slug, that each was recovered from last; left out: those that were not, or are there again. */
export async function listFormerHomes(db: Kysely<ControlDatabase>, services: Homed[]): Promise<Map<string, string>> {
  if (services.length === 0) return new Map()
  const ids = services.map(({ id }) => id)
  const recoveries = newestOf(db, 'recover', ids).where('state', '=', 'succeeded')
  const rows = await recoveries.select(['service_id', 'input']).execute()
  // Written by beginRecover, which knows where it was.
  const homes = rows.map(
    ({ service_id, input }) => [String(service_id), (input as { from: Place }).from.region] as const,
  )
  const now = new Map(services.map(({ id, region }) => [id, region]))
  return new Map(homes.filter(([id, home]) => now.get(id) !== home))
}
