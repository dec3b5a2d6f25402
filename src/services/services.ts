// Mobile services and their tables, as rows.
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { TablePermissions } from '../contract/permissions.ts'
import type { IdType } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { type Holder, type Holding, holdingsOf, type Move } from '../regions/ledger.ts'

type Db = Kysely<ControlDatabase>
export type Service = Selectable<ControlDatabase['services']>
export type ServiceTable = Selectable<ControlDatabase['service_tables']>

/** All living services of a subscription, or of all. */
export async function listServices(db: Db, subscriptionId: string | null): Promise<Service[]> {
  const all = db.selectFrom('services').selectAll().where('ended_at', 'is', null).orderBy(sql`lower(name)`)
  return await (subscriptionId === null ? all : all.where('subscription_id', '=', subscriptionId)).execute()
}

/** The data of a service that somebody deleted was dropped then, at once or when its time was over, where it was. */
export type Drop = { server: string; at: Date }

/** Which data was dropped since `since`, oldest first. */
export async function listDrops(db: Db, since: Date): Promise<Drop[]> {
  // One whose creation failed ended in the same state; it never held anything, and has no archive.
  const archived = db.selectFrom('archives').select('service_id')
  // Before a deletion noted when it dropped, it did so as it ended.
  const droppedAt = sql<Date>`coalesce(drop_data_at, ended_at)`
  return await db
    .selectFrom('services')
    .select(['server', droppedAt.as('at')])
    .where('state', '=', 'deleted')
    .where(droppedAt, '>', since)
    .where('id', 'in', archived)
    .orderBy(droppedAt)
    .$narrowType<Drop>()
    .execute()
}

/** The living service of that name, in any case, or null. */
export async function findByName(db: Db, subscriptionId: string, name: string): Promise<Service | null> {
  const found = await db
    .selectFrom('services')
    .selectAll()
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .where('subscription_id', '=', subscriptionId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return found ?? null
}

/** The living service of that name, in any case. Faults with `service.unknown`. */
export async function getService(db: Db, subscriptionId: string, name: string): Promise<Service> {
  const found = await findByName(db, subscriptionId, name)
  if (found) return found
  throw new Fault('service.unknown', 404, `there is no mobile service '${name}'`, {
    hint: 'See which there are: mainstay mobile list',
  })
}

/** Locks living services in one order, so that two operations that want the same ones never wait for each other. */
export async function lockServices(trx: Db, ids: string[]): Promise<Service[]> {
  return await trx
    .selectFrom('services')
    .selectAll()
    .where('id', 'in', ids)
    .where('ended_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
}

/** Faults with `service.busy` unless a service can be changed now: it is ready, and in no operation. */
export function requireIdle(service: Service): void {
  if (service.operation_id === null && service.state === 'ready') return
  const what = service.operation_id ? `in another operation (${service.operation_id})` : service.state
  throw new Fault('service.busy', 409, `'${service.name}' is ${what}`, {
    hint: `Watch it: mainstay mobile show ${service.name}`,
  })
}

/** The service with this id, ended or not. */
export async function getServiceById(db: Db, id: string): Promise<Service> {
  return await db.selectFrom('services').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

/** What every living service takes of its region's capacity. */
export async function listHoldings(db: Db): Promise<Holding[]> {
  const rows = await db
    .selectFrom('services')
    .leftJoin('operations', 'operations.id', 'services.operation_id')
    .select(['services.id', 'region', 'machine', 'mode', 'units', 'also_mode', 'also_units'])
    .select(['operations.service_id', 'operations.kind', 'operations.input'])
    .where('ended_at', 'is', null)
    .execute()
  const holders = rows.map((row): Holder => {
    const { id, region, machine, mode, units, also_mode: alsoMode, also_units: alsoUnits } = row
    const also = alsoMode !== null && alsoUnits !== null ? { mode: alsoMode, units: alsoUnits } : null
    // Written when the move was claimed; the operation is on the secondary's row as well.
    const isMoving = (row.kind === 'recover' || row.kind === 'switchover') && row.service_id === id
    return { id, region, machine, mode, units, also, move: isMoving ? (row.input as Move) : null }
  })
  return holdingsOf(holders)
}

/** Changes the service that an operation is about, if that operation still holds it; otherwise nothing. */
export async function updateHeld(
  trx: Db,
  operation: { id: string; service_id: string | null },
  change: Updateable<ControlDatabase['services']>,
): Promise<void> {
  await trx
    .updateTable('services')
    .set(change)
    .where('id', '=', operation.service_id)
    .where('operation_id', '=', operation.id)
    .execute()
}

/** The tables of some services. */
export async function listTables(db: Db, serviceIds: string[]): Promise<ServiceTable[]> {
  return (await listAllTables(db, serviceIds)).filter((table) => !table.is_dropping)
}

/** The same, with those that are being dropped. */
export async function listAllTables(db: Db, serviceIds: string[]): Promise<ServiceTable[]> {
  if (serviceIds.length === 0) return []
  return await db
    .selectFrom('service_tables')
    .selectAll()
    .where('service_id', 'in', serviceIds)
    .orderBy(sql`lower(name)`)
    .execute()
}

/** The table of that name, in any case. Faults with `table.unknown`. */
export async function getTable(db: Db, service: Service, name: string): Promise<ServiceTable> {
  const found = await db
    .selectFrom('service_tables')
    .selectAll()
    .where('service_id', '=', service.id)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .where('is_dropping', '=', false)
    .executeTakeFirst()
  if (found) return found
  throw new Fault('table.unknown', 404, `'${service.name}' has no table '${name}'`, {
    hint: `See which there are: mainstay mobile table list ${service.name}`,
  })
}

/** Adds a table's definition. Faults with `table.exists`. */
export async function insertTable(
  trx: Db,
  service: Service,
  {
    name,
    permissions,
    hasSoftDelete = false,
    idType = 'string',
  }: { name: string; permissions: TablePermissions; hasSoftDelete?: boolean; idType?: IdType },
): Promise<void> {
  const added = await trx
    .insertInto('service_tables')
    .values({
      ...{ service_id: service.id, name, permissions: JSON.stringify(permissions) },
      is_made_with_soft_delete: hasSoftDelete,
      id_type: idType,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows === 0n) {
    throw new Fault('table.exists', 409, `'${service.name}' already has a table '${name}', or is just dropping it`)
  }
}

/** Sets who may do what to a table. */
export async function setPermissions(trx: Db, table: ServiceTable, permissions: TablePermissions): Promise<void> {
  await trx
    .updateTable('service_tables')
    .set({ permissions: JSON.stringify(permissions) })
    .where('service_id', '=', table.service_id)
    .where('name', '=', table.name)
    .execute()
}

/** Gives a table up: nobody is to serve it, and its server is to drop it. */
export async function giveTableUp(trx: Db, service: Service, name: string): Promise<void> {
  const own = trx.updateTable('service_tables').where('service_id', '=', service.id).where('name', '=', name)
  await own.set({ is_dropping: true }).execute()
}

/** Removes the definitions of tables of a service that its server has dropped. */
export async function forgetDroppedTables(trx: Db, serviceId: string): Promise<void> {
  await trx.deleteFrom('service_tables').where('service_id', '=', serviceId).where('is_dropping', '=', true).execute()
}

/**
 * The schema for a new service: its name in lower case. Where an ended service of that name left its data on the same
 * server, a number follows, which no service's name can contain.
 */
export async function freeSchemaName(trx: Db, server: string, name: string): Promise<string> {
  const stem = name.toLowerCase()
  const taken = await trx
    .selectFrom('services')
    .select('schema_name')
    .where('server', '=', server)
    .where('is_data_dropped', '=', false)
    .where((where) => where.or([where('schema_name', '=', stem), where('schema_name', 'like', `${stem}~%`)]))
    .execute()
  const former = await trx.selectFrom('former_schemas').select('schema_name').where('server', '=', server).execute()
  const names = new Set([...taken, ...former].map((row) => row.schema_name))
  if (!names.has(stem)) return stem
  for (let number = 2; ; number += 1) if (!names.has(`${stem}~${number}`)) return `${stem}~${number}`
}
