// What services left on servers that they were on before: kept for a day, for the way back, and then dropped.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { HostFacts } from '../contract/facts.ts'
import { FORMER_DATABASE_MS } from '../kit/limits.ts'
import { bumpDesired } from '../regions/regions.ts'
import { listServers, primaryOf } from './servers.ts'

type Db = Kysely<ControlDatabase>

/** `epoch`: of the service that it was of. */
export type FormerSchema = Selectable<ControlDatabase['former_schemas']> & { epoch: string }

/** All of them, the newest first. */
export async function listFormerSchemas(db: Db): Promise<FormerSchema[]> {
  return await db
    .selectFrom('former_schemas')
    .innerJoin('services', 'services.id', 'former_schemas.service_id')
    .selectAll('former_schemas')
    .select('services.epoch')
    .orderBy('left_at', 'desc')
    .orderBy('former_schemas.server')
    .execute()
}

/** Where a service was last, and can go back to; null when there is no such place. */
export async function findFormerSchema(db: Db, serviceId: string): Promise<FormerSchema | null> {
  const left = (await listFormerSchemas(db)).find((one) => one.service_id === serviceId && !one.is_dropping)
  return left ?? null
}

/**
 * Notes that a service leaves its schema on a server. `isKept`: until somebody drops it, because nobody could look what
 * is in it, or because the service has never been on it.
 */
export async function leaveSchema(
  trx: Db,
  left: { serviceId: string; server: string; schema: string; isKept: boolean },
): Promise<void> {
  const { serviceId, server, schema, isKept } = left
  const until = { kept_until: isKept ? null : new Date(Date.now() + FORMER_DATABASE_MS), is_dropping: false }
  const named = { schema_name: schema, left_at: new Date(), ...until }
  await trx
    .insertInto('former_schemas')
    .values({ service_id: serviceId, server, ...named })
    .onConflict((conflict) => conflict.columns(['service_id', 'server']).doUpdateSet(named))
    .execute()
}

/** The service is on it again. */
export async function takeSchemaBack(trx: Db, wanted: { serviceId: string; server: string }): Promise<void> {
  const mine = trx.deleteFrom('former_schemas').where('service_id', '=', wanted.serviceId)
  await mine.where('server', '=', wanted.server).execute()
}

/** Has dropped what was kept for long enough, or whose service is gone; true when machines must be told. */
export async function dropOldSchemas(db: Db): Promise<boolean> {
  const due = await db
    .selectFrom('former_schemas')
    .innerJoin('services', 'services.id', 'former_schemas.service_id')
    .select(['service_id', 'former_schemas.server', 'left_at'])
    .where('is_dropping', '=', false)
    // In the middle of a change it may be about to go back.
    .where('services.operation_id', 'is', null)
    .where((is) => is.or([is('kept_until', '<', new Date()), is('services.state', '=', 'deleted')]))
    .execute()
  if (due.length === 0) return false
  await db.transaction().execute(async (trx) => {
    for (const { service_id, server, left_at } of due) {
      const mine = trx.updateTable('former_schemas').set({ is_dropping: true }).where('service_id', '=', service_id)
      await mine.where('server', '=', server).where('left_at', '=', left_at).execute()
    }
    await bumpDesired(trx)
  })
  return true
}

/** Forgets what hosts have dropped, and what went with its server. `factsOf`: of a host that is heard, or null. */
export async function noteDroppedSchemas(db: Db, factsOf: (machine: string) => HostFacts | null): Promise<boolean> {
  const left = await listFormerSchemas(db)
  if (left.length === 0) return false
  const { version } = await db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
  const servers = await listServers(db)
  const gone = left.filter((one) => {
    const server = servers.find(({ name }) => name === one.server)
    if (!server) return true
    if (!one.is_dropping) return false
    const facts = factsOf(primaryOf(server).machine)?.servers.find(({ name }) => name === one.server)
    const schema = facts?.schemas.find((entry) => entry.schema === one.schema_name)
    return facts !== undefined && facts.version >= Number(version) && schema?.problem === null
  })
  if (gone.length === 0) return false
  await db.transaction().execute(async (trx) => {
    for (const { service_id: serviceId, server } of gone) await takeSchemaBack(trx, { serviceId, server })
    await bumpDesired(trx)
  })
  return true
}
