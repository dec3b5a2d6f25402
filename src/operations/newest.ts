// The newest operation of a kind for each of some services.
import type { Kysely } from 'kysely'
import type { OperationView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'

/** A query that selects them; the caller says what of them. */
export function newestOf(db: Kysely<ControlDatabase>, kind: OperationView['kind'], serviceIds: string[]) {
  return db
    .selectFrom('operations')
    .distinctOn('service_id')
    .where('kind', '=', kind)
    .where('service_id', 'in', serviceIds)
    .orderBy('service_id')
    .orderBy('started_at', 'desc')
}
