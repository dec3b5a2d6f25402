// What there is to tidy up of what was given up, found out in one question: mostly there is nothing.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

/**
 * Whether there may be something to do. `dueServices`: data of deleted services whose time is over; `endedServices`: their
 * schemas; `formerSchemas`: what services left on other servers; `copies`: of servers that are to go; `tables`: that were
 * given up.
 */
export type Chores = Record<'dueServices' | 'endedServices' | 'formerSchemas' | 'copies' | 'tables', boolean>

/** Looks for them; each is looked at more closely by whoever does it. */
export async function findChores(db: Kysely<ControlDatabase>, now = new Date()): Promise<Chores> {
  return await db
    .selectNoFrom(({ exists, selectFrom, or, and }) => {
      const free = selectFrom('services').select('id').where('operation_id', 'is', null)
      return [
        exists(
          free.where(({ eb }) =>
            or([
              and([eb('state', '=', 'archived'), eb('drop_data_at', '<=', now)]),
              and([eb('state', '=', 'deleting'), eb('ended_at', 'is not', null)]),
            ]),
          ),
        ).as('dueServices'),
        exists(free.where('state', '=', 'deleted').where('is_data_dropped', '=', false)).as('endedServices'),
        exists(selectFrom('former_schemas').select('service_id')).as('formerSchemas'),
        exists(selectFrom('server_drops').select('server')).as('copies'),
        exists(selectFrom('service_tables').select('name').where('is_dropping', '=', true)).as('tables'),
      ]
    })
    .$castTo<Chores>()
    .executeTakeFirstOrThrow()
}
