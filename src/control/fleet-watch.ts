// What there is, for those who look several times a second: read again only when a row of it has been written since.
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { Holding } from '../regions/ledger.ts'
import { listHoldings } from '../services/services.ts'
import { atOneMoment, type Fleet, fleetIn } from './snapshot.ts'

/** Shared by all that look: nobody changes it. `holdings`: what living services take of their regions' capacity. */
export type WatchedFleet = Readonly<Fleet & { holdings: Holding[] }>

export class FleetWatch {
  readonly #db: Kysely<ControlDatabase>
  #seen: { versions: string; fleet: WatchedFleet } | null = null

  constructor(db: Kysely<ControlDatabase>) {
    this.#db = db
  }

  /** As it is now. */
  async read(): Promise<WatchedFleet> {
    const versions = await versionsOf(this.#db)
    if (this.#seen?.versions === versions) return this.#seen.fleet
    // Read after its versions: what changes in between is read once more at the next look.
    const fleet = await atOneMoment(this.#db, async (trx) => ({
      ...(await fleetIn(trx)),
      holdings: await listHoldings(trx),
    }))
    this.#seen = { versions, fleet }
    return fleet
  }
}

// The transactions that wrote the rows of a fleet as they are now, in the order of the rows' keys: whatever changes,
// comes or goes changes that. https://www.postgresql.org/docs/current/ddl-system-columns.html
async function versionsOf(db: Kysely<ControlDatabase>): Promise<string> {
  const { rows } = await sql<{ versions: string }>`
    select md5(concat_ws(' ',
      (select string_agg(xmin::text, ',' order by name) from machines),
      (select string_agg(xmin::text, ',' order by slug) from regions),
      (select string_agg(xmin::text, ',' order by name) from servers where ended_at is null),
      (select string_agg(xmin::text, ',' order by server, machine) from server_members),
      (select string_agg(concat(services.xmin, operations.xmin), ',' order by services.id)
        from services left join operations on operations.id = services.operation_id where services.ended_at is null)
    )) as versions`.execute(db)
  return rows[0]?.versions ?? ''
}
