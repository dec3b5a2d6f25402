// All rows that assignments are derived from, read at one moment.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { type FormerSchema, listFormerSchemas } from '../databases/former-schemas.ts'
import { listServerDrops, type ServerDrop } from '../databases/server-drops.ts'
import { listServers, type ServerWithMembers } from '../databases/servers.ts'
import { listServiceVerdicts } from '../health/incidents.ts'
import type { Verdict } from '../health/verdict.ts'
import { ENDED_BACKUPS_KEEP_MS } from '../kit/limits.ts'
import { listMachines, listRegions, type Machine, type Region } from '../regions/regions.ts'
import { listApis, type ServiceApi } from '../services/apis.ts'
import { listCertificates, type ServiceCertificate } from '../services/certificates.ts'
import { type CertificateChallenge, listChallenges } from '../services/challenges.ts'
import { listDomains, type ServiceDomain } from '../services/domains.ts'
import { listJobs, type ServiceJob } from '../services/jobs.ts'
import { type CurrentScript, listCurrentScripts } from '../services/scripts.ts'
import {
  type Drop,
  listAllTables,
  listDrops,
  listServices,
  type Service,
  type ServiceTable,
} from '../services/services.ts'
import { readBackupKey } from './backup-key.ts'

/** What there is: what verdicts are about. */
export type Fleet = {
  machines: Machine[]
  regions: Region[]
  servers: ServerWithMembers[]
  services: Service[]
}

export type Snapshot = Fleet & {
  version: number
  /** Copies of servers that are to go. */
  serverDrops: ServerDrop[]
  /** What backups are sealed with; sealed itself. Null before there is one. */
  backupKey: string | null
  /** By which external servers know whose cloud it is; null while none was ever attached. */
  cloud: string | null
  /** Ended services whose schema still lies on a server. */
  endedServices: Service[]
  /** When data of services was dropped, and on which server; of the last month. */
  drops: Drop[]
  /** What services left behind on servers that they were on before. */
  formerSchemas: FormerSchema[]
  tables: ServiceTable[]
  apis: ServiceApi[]
  jobs: ServiceJob[]
  domains: ServiceDomain[]
  certificates: ServiceCertificate[]
  /** What an authority asks for while certificates are issued. */
  challenges: CertificateChallenge[]
  /** Those in force. */
  scripts: CurrentScript[]
  /** Of services that are not well, by id. From the rows: every control process says the same of a version. */
  verdicts: Map<string, Verdict>
}

/** Reads everything, as it is at one moment. */
export async function readSnapshot(db: Kysely<ControlDatabase>): Promise<Snapshot> {
  return await atOneMoment(db, async (trx) => {
    const { version } = await trx.selectFrom('desired').select('version').executeTakeFirstOrThrow()
    const fleet = await fleetIn(trx)
    const ids = fleet.services.map((service) => service.id)
    return {
      ...fleet,
      version: Number(version),
      endedServices: await trx
        .selectFrom('services')
        .selectAll()
        .where('ended_at', 'is not', null)
        .where('is_data_dropped', '=', false)
        .execute(),
      drops: await listDrops(trx, new Date(Date.now() - ENDED_BACKUPS_KEEP_MS)),
      formerSchemas: await listFormerSchemas(trx),
      serverDrops: await listServerDrops(trx),
      backupKey: await readBackupKey(trx),
      cloud: (await trx.selectFrom('cloud').select('id').executeTakeFirst())?.id ?? null,
      tables: await listAllTables(trx, ids),
      apis: await listApis(trx, ids),
      jobs: await listJobs(trx, ids),
      domains: await listDomains(trx, ids),
      certificates: await listCertificates(trx, ids),
      challenges: await listChallenges(trx),
      scripts: await listCurrentScripts(trx, ids),
      verdicts: await listServiceVerdicts(trx),
    }
  })
}

/** What there is, without what it is made of. */
export async function fleetIn(trx: Kysely<ControlDatabase>): Promise<Fleet> {
  return {
    machines: await listMachines(trx),
    regions: await listRegions(trx),
    servers: await listServers(trx),
    services: await listServices(trx, null),
  }
}

/** Reads in one repeatable-read transaction. */
export async function atOneMoment<T>(
  db: Kysely<ControlDatabase>,
  read: (trx: Kysely<ControlDatabase>) => Promise<T>,
): Promise<T> {
  return await db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)
}
