// Giving a server the standby that its protection asks for.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { type Hosts, listHosts } from '../regions/hosts.ts'
import { machinesToDrop } from './server-drops.ts'
import { chooseStandbyHost } from './server-place.ts'
import { getServer, insertStandby, listServers, type ServerWithMembers, standbyOf, wantsStandby } from './servers.ts'

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
    await trx.selectFrom('servers').select('name').where('name', '=', name).forUpdate().execute()
    const server = await getServer(trx, name)
    if (!wantsStandby(server) || standbyOf(server) !== null) return false
    const hosts = await listHosts(trx, options.field)
    const machine = await findStandbyHost(trx, server, { hosts, region: options.region ?? null })
    if (machine === null) return false
    await insertStandby(trx, name, machine)
    return true
  })
}
