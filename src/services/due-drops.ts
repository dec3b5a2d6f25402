// Services that were deleted with their data, which is kept for a while: when that is over it goes.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import { SCHEDULE } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { bumpDesired } from '../regions/regions.ts'
import { endOwnServer } from './own-server.ts'
import { getServiceById } from './services.ts'

/** Has the data of those dropped whose time has come; one that is just being restored is left. True when any was. */
export async function dropDueServices(db: Kysely<ControlDatabase>, now = new Date()): Promise<boolean> {
  await takeBackHalfDropped(db)
  const due = await db
    .selectFrom('services')
    .select('id')
    .where('drop_data_at', '<=', now)
    .where('state', '=', 'archived')
    .where('operation_id', 'is', null)
    // Its own server would stay behind.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('servers')
            .select('name')
            .whereRef('servers.made_for', '=', 'services.id')
            .where('servers.ended_at', 'is', null)
            .where('servers.operation_id', 'is not', null),
        ),
      ),
    )
    .execute()
  for (const { id } of due) {
    await db.transaction().execute(async (trx) => {
      // Backups are kept for a month from the drop that was, not from the one that was due.
      const dropped = trx.updateTable('services').set({ state: 'deleted', drop_data_at: now }).where('id', '=', id)
      const { numUpdatedRows } = await dropped
        .where('drop_data_at', '<=', now)
        .where('state', '=', 'archived')
        .where('operation_id', 'is', null)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) return
      const service = await getServiceById(trx, id)
      await endOwnServer(trx, service)
      await audit(trx, SCHEDULE, { action: 'drop deleted service', subject: service.name })
      await bumpDesired(trx)
    })
  }
  return due.length > 0
}

// The release before carries out an early drop of what ended as the deletion of what lives: where that fails, it leaves
// the row between both. It is in the archive again, with its date.
async function takeBackHalfDropped(db: Kysely<ControlDatabase>): Promise<void> {
  await db
    .updateTable('services')
    .set({ state: 'archived' })
    .where('state', '=', 'deleting')
    .where('ended_at', 'is not', null)
    .where('operation_id', 'is', null)
    .execute()
}
