// Custom APIs of services as rows: their names, and who may call which method. Their scripts are `api/NAME`.
import { type Kysely, type Selectable, sql } from 'kysely'
import type { ApiDefinition } from '../contract/assignment.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import type { KeptPermissions } from './api-routes.ts'
import type { Service } from './services.ts'

type Db = Kysely<ControlDatabase>
export type ServiceApi = Selectable<ControlDatabase['service_apis']>

/** The custom APIs of some services, by name. */
export async function listApis(db: Db, serviceIds: string[]): Promise<ServiceApi[]> {
  if (serviceIds.length === 0) return []
  return await db
    .selectFrom('service_apis')
    .selectAll()
    .where('service_id', 'in', serviceIds)
    .orderBy(sql`lower(name)`)
    .execute()
}

/** The API of that name, in any case. Faults with `api.unknown`. */
export async function getApi(db: Db, service: Pick<Service, 'id' | 'name'>, name: string): Promise<ServiceApi> {
  const found = await db
    .selectFrom('service_apis')
    .selectAll()
    .where('service_id', '=', service.id)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .executeTakeFirst()
  if (found) return found
  throw new Fault('api.unknown', 404, `'${service.name}' has no custom API '${name}'`, {
    hint:
      `See which there are: mainstay mobile api list ${service.name}; ` +
      `a new one: mainstay mobile api create ${service.name} ${name}`,
  })
}

/** As its runtime goes by it. */
export function apiDefinitionOf({ name, permissions, routes }: ServiceApi): ApiDefinition {
  return { name, permissions, ...(routes === null ? {} : { routes }) }
}

/** Defines an API. Faults with `api.exists`. */
export async function insertApi(
  trx: Db,
  service: Service,
  { name, permissions, routes }: { name: string } & KeptPermissions,
): Promise<void> {
  const added = await trx
    .insertInto('service_apis')
    .values({ service_id: service.id, name, ...columnsOf({ permissions, routes }) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows === 0n) {
    throw new Fault('api.exists', 409, `'${service.name}' already has a custom API '${name}'`, {
      hint: `Change who may call it: mainstay mobile api update ${service.name} ${name} --permissions get=public`,
    })
  }
}

/** Sets who may call what. */
export async function setApiPermissions(trx: Db, api: ServiceApi, kept: KeptPermissions): Promise<void> {
  const own = trx.updateTable('service_apis').where('service_id', '=', api.service_id).where('name', '=', api.name)
  await own.set(columnsOf(kept)).execute()
}

function columnsOf({ permissions, routes }: KeptPermissions) {
  return { permissions: JSON.stringify(permissions), routes: routes === null ? null : JSON.stringify(routes) }
}

/** Removes the definition. */
export async function removeApi(trx: Db, api: ServiceApi): Promise<void> {
  await trx.deleteFrom('service_apis').where('service_id', '=', api.service_id).where('name', '=', api.name).execute()
}
