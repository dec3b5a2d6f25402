// The server that was made for one service: it comes with the service, and goes with the service's data.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { freeServerName } from '../databases/server-names.ts'
import { endServer, insertServer, listServers, lockServerRow } from '../databases/servers.ts'
import type { Service } from './services.ts'

type Db = Kysely<ControlDatabase>

/** Makes a server for a service that is about to be made, beside it on its host. Returns its name. */
export async function insertOwnServer(
  trx: Db,
  seal: Seal,
  service: { name: string; region: string; machine: string },
): Promise<string> {
  const name = await freeServerName(trx, `sql-${service.name.toLowerCase()}`)
  const { region, machine } = service
  await insertServer(trx, seal, { name, region, machine, isDefault: false, protection: 'async' })
  return name
}

/** Notes whose server it is, once there is a row of the service. */
export async function noteOwner(trx: Db, server: string, serviceId: string): Promise<void> {
  await trx.updateTable('servers').set({ made_for: serviceId }).where('name', '=', server).execute()
}

/** True when a service's server was made for it, and holds nobody else's data. */
export async function isAloneOnOwnServer(trx: Db, service: Service): Promise<boolean> {
  const server = (await listServers(trx)).find(({ name }) => name === service.server)
  if (server?.made_for !== service.id || server.operation_id !== null) return false
  const others = await trx
    .selectFrom('services')
    .select('id')
    .where('server', '=', service.server)
    .where('is_data_dropped', '=', false)
    .where('id', '!=', service.id)
    .execute()
  const former = await trx
    .selectFrom('former_schemas')
    .select('service_id')
    .where('server', '=', service.server)
    .execute()
  return others.length === 0 && former.every((left) => left.service_id === service.id)
}

/** Ends the server that was made for a service, with the service's data; true when it did. */
export async function endOwnServer(trx: Db, service: Service): Promise<boolean> {
  await lockServerRow(trx, service.server)
  if (!(await isAloneOnOwnServer(trx, service))) return false
  await endServer(trx, service.server)
  await trx.updateTable('services').set({ is_data_dropped: true }).where('id', '=', service.id).execute()
  return true
}
