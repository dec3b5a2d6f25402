// What was deployed of a service's repository, and what was refused, as rows.
import { type Kysely, type Selectable, sql } from 'kysely'
import type { DeploymentView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import {
  DEPLOYMENT_LOG_CHARACTERS_MAX,
  DEPLOYMENT_LOGS_KEPT,
  DEPLOYMENTS_KEPT,
  DEPLOYMENTS_SHOWN,
} from '../kit/limits.ts'

type Db = Kysely<ControlDatabase>
export type Deployment = Selectable<ControlDatabase['source_deployments']>
export type NewDeployment = Pick<
  Deployment,
  'kind' | 'is_deployed' | 'branch' | 'hash' | 'principal' | 'author' | 'message' | 'changes' | 'log'
>

const SUBJECT_CHARACTERS_MAX = 200

/** Notes one. The caller holds the repository's lock, so that numbers have no gaps and no doubles. */
export async function insertDeployment(trx: Db, serviceId: string, made: NewDeployment): Promise<number> {
  const { last } = await trx
    .selectFrom('source_deployments')
    .select(sql<number>`coalesce(max(number), 0)`.as('last'))
    .where('service_id', '=', serviceId)
    .executeTakeFirstOrThrow()
  const number = last + 1
  await trx
    .insertInto('source_deployments')
    .values({
      ...made,
      ...{ service_id: serviceId, number },
      author: plain(made.author).slice(0, SUBJECT_CHARACTERS_MAX),
      message: plain(made.message.split('\n')[0] ?? '').slice(0, SUBJECT_CHARACTERS_MAX),
      changes: JSON.stringify(made.changes),
      log: plain(made.log).slice(0, DEPLOYMENT_LOG_CHARACTERS_MAX),
    })
    .execute()
  await thin(trx, serviceId, made.is_deployed)
  return number
}

// What was refused pushes nothing out that was deployed: that can be gone back to.
async function thin(trx: Db, serviceId: string, isDeployed: boolean): Promise<void> {
  const own = trx.selectFrom('source_deployments').select('number').where('service_id', '=', serviceId)
  const tooMany = own.where('is_deployed', '=', isDeployed).orderBy('number', 'desc').offset(DEPLOYMENTS_KEPT)
  const mine = trx.deleteFrom('source_deployments').where('service_id', '=', serviceId)
  await mine.where('number', 'in', tooMany).execute()
  const tooLong = own.orderBy('number', 'desc').offset(DEPLOYMENT_LOGS_KEPT)
  const told = trx.updateTable('source_deployments').set({ log: '' }).where('service_id', '=', serviceId)
  await told.where('log', '!=', '').where('number', 'in', tooLong).execute()
}

/** The newest, newest first. */
export async function listDeployments(db: Db, serviceId: string): Promise<Deployment[]> {
  const own = db.selectFrom('source_deployments').selectAll().where('service_id', '=', serviceId)
  return await own.orderBy('number', 'desc').limit(DEPLOYMENTS_SHOWN).execute()
}

/** The newest that was deployed, or null; `butNot`: not of that commit. */
export async function findDeployed(
  db: Db,
  serviceId: string,
  { butNot }: { butNot: string | null },
): Promise<Deployment | null> {
  let own = db.selectFrom('source_deployments').selectAll().where('service_id', '=', serviceId)
  if (butNot !== null) own = own.where('hash', '!=', butNot)
  return (await own.where('is_deployed', '=', true).orderBy('number', 'desc').limit(1).executeTakeFirst()) ?? null
}

/** The one of that number. Faults with `source.no_deployment`. */
export async function getDeployment(
  db: Db,
  service: { id: string; name: string },
  number: number,
): Promise<Deployment> {
  const own = db.selectFrom('source_deployments').selectAll().where('service_id', '=', service.id)
  const found = await own.where('number', '=', number).executeTakeFirst()
  if (found) return found
  throw new Fault('source.no_deployment', 404, `'${service.name}' has no deployment ${number}`, {
    hint: `See which there are: mainstay mobile deployment list ${service.name}`,
  })
}

/** As people see it. */
export function viewDeployment(row: Deployment): DeploymentView {
  const { number, kind, branch, author, message, principal, changes, log } = row
  return {
    ...{ number, kind, state: row.is_deployed ? 'deployed' : 'refused', branch, commit: row.hash },
    ...{ author, message, principal, changes, log, createdAt: row.created_at.toISOString() },
  }
}

// A commit says what its author likes: no terminal that shows it later is to be steered by that.
function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '?')
}
