// What is kept of a service that ends: everything that would be needed to bring it back.
import type { Insertable, Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { randomId } from '../kit/identifiers.ts'
import { listTables, type Service } from './services.ts'

/** The archive row of a service. Keys stay sealed. */
export async function archiveOf(
  trx: Kysely<ControlDatabase>,
  service: Service,
  reason: string,
): Promise<Insertable<ControlDatabase['archives']>> {
  const tables = await listTables(trx, [service.id])
  const content = { service, tables: tables.map(({ name, permissions }) => ({ name, permissions })) }
  return {
    id: randomId(),
    subscription_id: service.subscription_id,
    service_id: service.id,
    name: service.name,
    reason,
    content: JSON.stringify(content),
  }
}
