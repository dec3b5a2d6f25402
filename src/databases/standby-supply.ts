// Giving a server the standby that its protection asks for.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { type Hosts, listHosts } from '../regions/hosts.ts'
import { machinesToDrop } from './server-drops.ts'
import { chooseStandbyHost } from './server-place.ts'
import {
  insertStandby,
  listServers,
  lockServerRow,
  type ServerWithMembers,
  standbyOf,
  wantsStandby,
} from './servers.ts'

type Db = Kysely<ControlDatabase>

/** The host where a server's standby would go now, or null. `region`: only there. */
export async function findStandbyHost(
  db: Db,
  server: ServerWithMembers,
  options: { hosts: Hosts; region?: string | null },
): Promise<string | null> {
  const { hosts, region = null } = options
  const excluded = await machinesToDrop(db, server.name)
  return chooseStandbyHost(server, { ...hosts, servers: await listServers(db), excluded, region })
}

/** Gives a server a standby if it wants one and has none. True when it got one; false also when no host can take it. */
export async function supplyStandby(
  db: Db,
  name: string,
  options: { field: Parameters<typeof listHosts>[1]; region?: string | null },
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    await lockServerRow(trx, name)
    const server = (await listServers(trx)).find((entry) => entry.name === name)
    if (!server || !wantsStandby(server) || standbyOf(server) !== null) return false
    const hosts = await listHosts(trx, options.field)
    const machine = await findStandbyHost(trx, server, { hosts, region: options.region ?? null })
    if (machine === null) return false
    await insertStandby(trx, name, machine)
    return true
  })
}
