// Standbys on machines that were revoked: they are released at once, and take their place on another machine later.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { bumpDesired } from '../regions/regions.ts'
import { lockServerRow } from './servers.ts'

type Db = Kysely<ControlDatabase>

/** Releases every standby on a machine, in the caller's transaction: their primaries go on without proof. */
export async function releaseStandbysOn(trx: Db, machine: string): Promise<void> {
  await trx
    .updateTable('server_members')
    .set({ standing: 'released', is_synchronous: false })
    .where('machine', '=', machine)
    .where('role', '=', 'standby')
    .execute()
}

/**
 * Gives the place of a standby to another machine, which builds it anew. The term of the lease goes on growing, so that
 * no proof of the old machine counts for the new one. False when the old one is no standby any more.
 */
export async function replaceStandby(db: Db, server: string, machines: { from: string; to: string }): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    // The row that promotions and releases lock, so that these exclude each other.
    await lockServerRow(trx, server)
    const done = await trx
      .updateTable('server_members')
      .set((eb) => ({
        machine: machines.to,
        standing: 'building' as const,
        slot: `standby_${machines.to.replaceAll('-', '_')}`,
        lease_term: eb('lease_term', '+', 1),
      }))
      .where('server', '=', server)
      .where('machine', '=', machines.from)
      .where('role', '=', 'standby')
      .executeTakeFirst()
    if (done.numUpdatedRows === 0n) return false
    await bumpDesired(trx)
    return true
  })
}
