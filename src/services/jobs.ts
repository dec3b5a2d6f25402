// Scheduled jobs of services as rows: when each is due. Their scripts are `scheduler/NAME`.
import { type Kysely, type Selectable, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { JobDefinition } from '../contract/scheduled-job.ts'
import { Fault } from '../kit/fault.ts'
import type { Service } from './services.ts'

type Db = Kysely<ControlDatabase>
export type ServiceJob = Selectable<ControlDatabase['service_jobs']>
export type JobChange = Partial<Pick<JobDefinition, 'schedule' | 'isEnabled' | 'overlap' | 'missed'>>

/** The jobs of some services, by name. */
export async function listJobs(db: Db, serviceIds: string[]): Promise<ServiceJob[]> {
  if (serviceIds.length === 0) return []
  return await db
    .selectFrom('service_jobs')
    .selectAll()
    .where('service_id', 'in', serviceIds)
    .orderBy(sql`lower(name)`)
    .execute()
}

/** The job of that name, in any case. Faults with `job.unknown`. */
export async function getJob(db: Db, service: Pick<Service, 'id' | 'name'>, name: string): Promise<ServiceJob> {
  const found = await db
    .selectFrom('service_jobs')
    .selectAll()
    .where('service_id', '=', service.id)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .executeTakeFirst()
  if (found) return found
  throw new Fault('job.unknown', 404, `'${service.name}' has no job '${name}'`, {
    hint:
      `See which there are: mainstay mobile job list ${service.name}; ` +
      `a new one: mainstay mobile job create ${service.name} ${name}`,
  })
}

/** Defines a job. Faults with `job.exists`. */
export async function insertJob(trx: Db, service: Service, job: Omit<JobDefinition, 'countsFrom'>): Promise<void> {
  const added = await trx
    .insertInto('service_jobs')
    .values({
      service_id: service.id,
      name: job.name,
      schedule: JSON.stringify(job.schedule),
      is_enabled: job.isEnabled,
      overlap: job.overlap,
      missed: job.missed,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows === 0n) {
    throw new Fault('job.exists', 409, `'${service.name}' already has a job '${job.name}'`, {
      hint: `Change it: mainstay mobile job update ${service.name} ${job.name}`,
    })
  }
}

/** Changes a job. What was due while it was disabled, or by its old schedule, is not due any more. */
export async function changeJob(trx: Db, job: ServiceJob, { schedule, isEnabled, overlap, missed }: JobChange) {
  const isNew = schedule !== undefined || (isEnabled === true && !job.is_enabled)
  await trx
    .updateTable('service_jobs')
    .set({
      ...(schedule === undefined ? {} : { schedule: JSON.stringify(schedule) }),
      ...(isEnabled === undefined ? {} : { is_enabled: isEnabled }),
      ...(overlap === undefined ? {} : { overlap }),
      ...(missed === undefined ? {} : { missed }),
      ...(isNew ? { counts_from: new Date() } : {}),
    })
    .where('service_id', '=', job.service_id)
    .where('name', '=', job.name)
    .execute()
}

/** Removes the definition. */
export async function removeJob(trx: Db, job: ServiceJob): Promise<void> {
  const own = trx.deleteFrom('service_jobs').where('service_id', '=', job.service_id).where('name', '=', job.name)
  await own.execute()
}

/** A job as runtimes know it. */
export function definitionOf(job: ServiceJob): JobDefinition {
  const { name, schedule, is_enabled: isEnabled, overlap, missed, counts_from: countsFrom } = job
  return { name, schedule, isEnabled, overlap, missed, countsFrom: countsFrom.toISOString() }
}
