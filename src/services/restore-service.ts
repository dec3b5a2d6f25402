// Bringing an archived service back: its own row, schema, tables, scripts and keys, under a new epoch, in a new place.
import { type Kysely, type Selectable, sql } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ArchiveView, DryRunView, RestoreService } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { LIST_ROWS_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, subjectOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind } from '../operations/runner.ts'
import { bumpDesired, getRegion, listRegions, lockRegion, nextEpoch } from '../regions/regions.ts'
import {
  CREATE_STEPS,
  createKind,
  lockName,
  lockPrimary,
  requireFitting,
  requireFreeName,
  type ServiceDeps,
} from './create-service.ts'
import { sizeText } from './fit.ts'
import { findHost, placeText } from './place.ts'
import { findByName, getServiceById, type Service, updateHeld } from './services.ts'

type Archive = Selectable<ControlDatabase['archives']>

/** The archives of a subscription, newest first; those that were restored are gone from the list. */
export async function listArchives(db: Kysely<ControlDatabase>, subscriptionId: string): Promise<ArchiveView[]> {
  const rows = await archived(db, subscriptionId).execute()
  return rows.map((row) => ({
    name: row.name,
    reason: row.reason,
    mode: row.mode,
    units: row.units,
    region: row.region,
    archivedAt: row.created_at.toISOString(),
    hasData: !row.is_data_dropped,
    dropDataAt: row.drop_data_at?.toISOString() ?? null,
  }))
}

/** Checks everything, takes the capacity, revives the row and writes the operation. Returns the operation's id. */
export async function beginRestore(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: RestoreService,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimRestore(deps, caller, name, wanted, how))
}

/** What a restoration would do; faults as it would, and changes nothing. */
export async function planRestore(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: RestoreService,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimRestore(deps, caller, name, wanted, how))
}

async function claimRestore(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: RestoreService,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const archive = await getArchive(db, caller.subscriptionId, { name, endedAt: wanted.endedAt })
  await field.settle()
  return await transact(db, how, async (trx) => {
    await lockName(trx, archive.name)
    const service = await lockEnded(trx, archive)
    const primary = await findPrimary(trx, caller, service, wanted)
    const region = await lockRegion(trx, (await regionFor(trx, service, primary, wanted)).slug)
    await requireFreeName(trx, service.name, comeBackHint(archive))
    const size = { mode: service.mode, units: service.units }
    const verb = archive.reason === 'deleted' ? 'restore-deleted' : 'restore-secondary'
    if (primary) await requireFitting(trx, primary, { ...size, region, name: service.name })
    const machine = await findHost(trx, field, region, size)
    const operationId = await insertOperation(trx, {
      kind: 'restore',
      caller,
      subject: { service: { id: service.id, name: service.name } },
      input: {
        archiveId: archive.id,
        region: region.slug,
        dropDataAt: service.drop_data_at?.toISOString() ?? null,
        verb,
      },
      steps: CREATE_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx
      .updateTable('services')
      .set({
        region: region.slug,
        machine,
        epoch: await nextEpoch(trx),
        state: 'creating',
        ended_at: null,
        drop_data_at: null,
        secondary_for: primary?.id ?? null,
        operation_id: operationId,
      })
      .where('id', '=', service.id)
      .execute()
    const after = { region: region.name, secondaryFor: primary?.name ?? null }
    await audit(trx, caller, { action: `mobile ${verb}`, subject: service.name, after, operationId })
    await bumpDesired(trx)
    // Its rows are where they were: only who serves it is new.
    const where = placeText({ machine, server: service.server })
    const changes = [`Bring '${service.name}' back in ${region.name}, ${sizeText(size)}: ${where}`]
    if (primary) changes.push(`Promise it to '${primary.name}'`)
    return { operationId, changes }
  })
}

// The one that has the name now ends later than this one, and is then the newest of them.
function comeBackHint({ name, reason, created_at }: Pick<Archive, 'name' | 'reason' | 'created_at'>): string {
  const verb = reason === 'deleted' ? 'restore-deleted' : 'restore-secondary'
  const command = `mainstay mobile ${verb} ${name} --ended-at ${created_at.toISOString()}`
  return `When the one that has its name now is deleted: ${command}`
}

/** How a restoration is carried out: as a creation, but what fails goes back into the archive. */
export function restoreKind(deps: ServiceDeps): OperationKind {
  const { db, field } = deps
  const create = createKind(deps)
  return {
    steps: create.steps,
    finish: create.finish,
    async fail({ operation }, _fault, end) {
      await db.transaction().execute(async (trx) => {
        const { dropDataAt } = operation.input
        // Kept no longer than it was to be, and no shorter.
        const drop_data_at = typeof dropDataAt === 'string' ? new Date(dropDataAt) : null
        const ended = { state: 'archived' as const, ended_at: new Date(), operation_id: null, drop_data_at }
        await updateHeld(trx, operation, ended)
        await bumpDesired(trx)
        const verb = operation.input.verb ?? 'restore-secondary'
        const next = `mainstay mobile ${verb} ${subjectOf(operation)}`
        await end(trx, { state: 'failed', next })
      })
      await field.push()
    },
  }
}

// A service that was brought back and ended again has several: the newest tells how it ended.
function archived(db: Kysely<ControlDatabase>, subscriptionId: string) {
  return db
    .selectFrom('archives')
    .innerJoin('services', 'services.id', 'archives.service_id')
    .select(['archives.id', 'archives.name', 'archives.reason', 'archives.service_id', 'archives.created_at'])
    .select(['services.mode', 'services.units', 'services.region', 'services.is_data_dropped', 'services.drop_data_at'])
    .where('archives.subscription_id', '=', subscriptionId)
    .where('services.state', '=', 'archived')
    .where('services.ended_at', 'is not', null)
    .where('archives.created_at', '=', (is) =>
      is
        .selectFrom('archives as all')
        .whereRef('all.service_id', '=', 'archives.service_id')
        .select((of) => of.fn.max('all.created_at').as('newest')),
    )
    .orderBy('archives.created_at', 'desc')
    .limit(LIST_ROWS_MAX)
}

/** Which service that ended: by its name in any case, and, of several, by when that was; without it the newest. */
export type EndedService = { name: string; endedAt?: string | undefined }

/** Faults with `service.not_archived`. */
export async function getArchive(
  db: Kysely<ControlDatabase>,
  subscriptionId: string,
  { name, endedAt }: EndedService,
): Promise<Pick<Archive, 'id' | 'name' | 'reason' | 'service_id' | 'created_at'>> {
  const mine = archived(db, subscriptionId).where(sql`lower(archives.name)`, '=', name.toLowerCase())
  // As it is told: in milliseconds.
  const endedThen = sql<boolean>`date_trunc('milliseconds', archives.created_at) = ${endedAt}::timestamptz`
  const found = await (endedAt === undefined ? mine : mine.where(endedThen)).limit(1).executeTakeFirst()
  if (found) return found
  const which = endedAt === undefined ? '' : ` that ended at ${endedAt}`
  throw new Fault('service.not_archived', 404, `no mobile service '${name}'${which} is in the archive`, {
    hint: 'See which there are: mainstay mobile archive list',
  })
}

/** The service of an archive, locked. Faults with `service.busy` when something is under way with it. */
export async function lockEnded(
  trx: Kysely<ControlDatabase>,
  archive: { service_id: string; name: string },
): Promise<Service> {
  await trx.selectFrom('services').select('id').where('id', '=', archive.service_id).forUpdate().execute()
  const service = await getServiceById(trx, archive.service_id)
  if (service.ended_at !== null && service.state === 'archived') return service
  throw new Fault('service.busy', 409, `'${archive.name}' is being brought back or dropped already`, {
    hint: `Watch it: mainstay mobile show ${archive.name}`,
  })
}

// As a secondary of whom it was promised to, while that one lives and has no other; or of whom was named; or of nobody.
async function findPrimary(
  trx: Kysely<ControlDatabase>,
  caller: Caller,
  service: Service,
  wanted: RestoreService,
): Promise<Service | null> {
  if (wanted.secondaryFor !== undefined) return await lockPrimary(trx, caller, wanted.secondaryFor)
  if (service.secondary_for === null) return null
  const primary = await getServiceById(trx, service.secondary_for)
  const living = primary.ended_at === null ? await findByName(trx, caller.subscriptionId, primary.name) : null
  return living?.id === primary.id ? await lockPrimary(trx, caller, primary.name) : null
}

// Where it was, unless that is where its primary has gone.
async function regionFor(
  trx: Kysely<ControlDatabase>,
  service: Service,
  primary: Service | null,
  wanted: RestoreService,
) {
  if (wanted.location !== undefined) return await getRegion(trx, wanted.location)
  if (primary?.region !== service.region) return await getRegion(trx, service.region)
  const other = (await listRegions(trx)).find((region) => region.slug !== primary.region)
  return other ?? (await getRegion(trx, service.region))
}
