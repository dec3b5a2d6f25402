// Copies of servers that are to go. Each is named to its machine until that says that it holds none any more.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired } from '../regions/regions.ts'

type Db = Kysely<ControlDatabase>

/** A copy that is to go, with the epoch up to which it may. */
export type ServerDrop = { server: string; machine: string; epoch: number }

/** Has the copies of a server on some machines dropped, in the caller's transaction. Returns the version that says so. */
export async function dropCopies(trx: Db, server: string, machines: string[]): Promise<number> {
  const version = await bumpDesired(trx)
  for (const machine of machines) {
    await trx
      .insertInto('server_drops')
      .values({ server, machine, version })
      .onConflict((conflict) => conflict.columns(['server', 'machine']).doUpdateSet({ version }))
      .execute()
  }
  return version
}

/** Every copy that is still to go. */
export async function listServerDrops(db: Db): Promise<ServerDrop[]> {
  const rows = await db
    .selectFrom('server_drops')
    .innerJoin('servers', 'servers.name', 'server_drops.server')
    .select(['server_drops.server', 'server_drops.machine', 'servers.epoch'])
    .orderBy('server_drops.server')
    .orderBy('server_drops.machine')
    .execute()
  return rows.map((row) => ({ ...row, epoch: Number(row.epoch) }))
}

/** Machines that still have to drop their copy of a server. */
export async function machinesToDrop(db: Db, server: string): Promise<string[]> {
  const rows = await db.selectFrom('server_drops').select('machine').where('server', '=', server).execute()
  return rows.map(({ machine }) => machine)
}

/** Forgets the drops that machines have carried out. */
export async function noteDroppedCopies(db: Db, board: Pick<FactBoard, 'host'>): Promise<void> {
  const pending = await db.selectFrom('server_drops').selectAll().execute()
  const done = pending.filter(({ server, machine, version }) => {
    const facts = board.host(machine)
    return facts !== null && facts.version >= Number(version) && facts.droppedServers?.includes(server) === true
  })
  for (const { server, machine, version } of done) {
    await db
      .deleteFrom('server_drops')
      .where('server', '=', server)
      .where('machine', '=', machine)
      .where('version', '=', version)
      .execute()
  }
}
