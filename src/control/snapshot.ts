// All rows that assignments are derived from, read at one moment.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { listServers, type ServerWithMembers } from '../databases/servers.ts'
import { listServiceVerdicts } from '../health/incidents.ts'
import type { Verdict } from '../health/verdict.ts'
import { listMachines, listRegions, type Machine, type Region } from '../regions/regions.ts'
import { type CurrentScript, listCurrentScripts } from '../services/scripts.ts'
import { listAllTables, listServices, type Service, type ServiceTable } from '../services/services.ts'

export type Snapshot = {
  version: number
  machines: Machine[]
  regions: Region[]
  servers: ServerWithMembers[]
  services: Service[]
  /** Ended services whose schema still lies on a server. */
  endedServices: Service[]
  tables: ServiceTable[]
  /** Those in force. */
  scripts: CurrentScript[]
  /** Of services that are not well, by id. From the rows: every control process says the same of a version. */
  verdicts: Map<string, Verdict>
}

/** Reads everything in one repeatable-read transaction. */
export async function readSnapshot(db: Kysely<ControlDatabase>): Promise<Snapshot> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const { version } = await trx.selectFrom('desired').select('version').executeTakeFirstOrThrow()
      const services = await listServices(trx, null)
      return {
        version: Number(version),
        machines: await listMachines(trx),
        regions: await listRegions(trx),
        servers: await listServers(trx),
        services,
        endedServices: await trx
          .selectFrom('services')
          .selectAll()
          .where('ended_at', 'is not', null)
          .where('is_data_dropped', '=', false)
          .execute(),
        tables: await listAllTables(
          trx,
          services.map((service) => service.id),
        ),
        scripts: await listCurrentScripts(
          trx,
          services.map((service) => service.id),
        ),
        verdicts: await listServiceVerdicts(trx),
      }
    })
}
