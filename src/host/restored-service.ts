// A service as a backup has it, in a scratch server that is gone afterwards.
import type pg from 'pg'
import { restoreServer } from '../backups/restore.ts'
import type { RestoredServiceRequest } from '../contract/backup.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import { readContents } from '../databases/service-contents.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import type { Host } from './host.ts'
import { openVault } from './vault-orders.ts'
import { targetOf } from './vault-target.ts'

/** `restoredTo`: the moment that it is of. */
export type RestoredService = { client: pg.Client; schema: string; restoredTo: Date }

/**
 * Restores the backup and does `work` beside it, with a superuser's client. Faults as `restoreServer`, or with
 * `service.unknown` when the backup is older than the service.
 */
export async function withRestoredService<T>(
  host: Host,
  wanted: RestoredServiceRequest,
  work: (restored: RestoredService) => Promise<T>,
): Promise<T> {
  const { serviceId, schema } = wanted
  const vault = openVault(host, wanted.from, wanted.key)
  return await host.scratch.use(wanted.job, wanted.superuserPassword, async (cluster) => {
    const { plan } = await restoreServer(vault, { cluster, target: targetOf(wanted.target) })
    await cluster.start()
    faultPoint('host.restored_service.open')
    const look = async (client: pg.Client) => {
      const { schema: then } = await readContents(client, { serviceId, schema, isNewestOnly: true })
      if (then !== null) return await work({ client, schema: then, restoredTo: plan.restoresTo })
      throw new Fault('service.unknown', 404, 'there was nothing of the service at that moment', {
        hint: 'Name a later one.',
      })
    }
    return await cluster.withClient(look, { database: APPS_DATABASE })
  })
}
