// Creating a mobile service: refused or written in one transaction, then carried out step by step.
import { type Kysely, sql } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { Seal } from '../accounts/seal.ts'
import type { CreateService, DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { isServed } from '../contract/host-condition.ts'
import { getServer, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { randomId, randomKey } from '../kit/identifiers.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serviceIdOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { notYet, type OperationKind } from '../operations/runner.ts'
import type { Field } from '../regions/field.ts'
import { runtimeOf } from '../regions/field.ts'
import type { Size } from '../regions/ledger.ts'
import { bumpDesired, getRegion, listRegions, lockRegion, nextEpoch, type Region } from '../regions/regions.ts'
import { schemaProblem } from './facts-of.ts'
import { resized, sizeText, unfitReason } from './fit.ts'
import { requireServiceName } from './names.ts'
import { endOwnServer, insertOwnServer, noteOwner } from './own-server.ts'
import { findDefaultServer, findHost, findNamedServer, placeText, type ServerWish, wishFor } from './place.ts'
import {
  freeSchemaName,
  getService,
  getServiceById,
  listServices,
  lockServices,
  type Service,
  updateHeld,
} from './services.ts'

export type ServiceDeps = { db: Kysely<ControlDatabase>; seal: Seal; field: Field }

const WAIT_MS = 30

/** Checks everything, takes the capacity and writes service and operation. Returns the operation's id. */
export async function beginCreate(
  deps: ServiceDeps,
  caller: Caller,
  wanted: CreateService,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimCreate(deps, caller, wanted, how))
}

/** What a creation would do; faults as it would, and changes nothing. */
export async function planCreate(deps: ServiceDeps, caller: Caller, wanted: CreateService): Promise<DryRunView> {
  return await planClaim(async (how) => await claimCreate(deps, caller, wanted, how))
}

async function claimCreate(
  deps: ServiceDeps,
  caller: Caller,
  wanted: CreateService,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, seal } = deps
  requireServiceName(wanted.name)
  await deps.field.settle()
  const region = await chooseRegion(db, caller, wanted)
  return await transact(db, how, async (trx) => {
    await lockName(trx, wanted.name)
    // Services before regions, as everywhere: and locked, so that the primary keeps the size that is promised here.
    const primary = wanted.secondaryFor ? await lockPrimary(trx, caller, wanted.secondaryFor) : null
    const locked = await lockRegion(trx, region.slug)
    const size = sizeOf(wanted, primary)
    await requireFreeName(trx, wanted.name)
    if (primary) await requireFitting(trx, primary, { ...size, region: locked, name: wanted.name })
    const id = randomId(6)
    const machine = await findHost(trx, deps.field, locked, size)
    const wish = wishFor(wanted.sqlServer, size, primary !== null)
    const server = await findServer(trx, deps, wish, { name: wanted.name, region: locked, machine })
    const operationId = await insertOperation(trx, {
      kind: 'create',
      caller,
      subject: { service: { id, name: wanted.name } },
      input: { ...wanted },
      steps: CREATE_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx
      .insertInto('services')
      .values({
        id,
        subscription_id: caller.subscriptionId,
        name: wanted.name,
        schema_name: await freeSchemaName(trx, server, wanted.name),
        region: region.slug,
        machine,
        server,
        ...size,
        epoch: await nextEpoch(trx),
        state: 'creating',
        application_key: seal.seal(randomKey()),
        master_key: seal.seal(randomKey()),
        login_password: seal.seal(randomKey()),
        secondary_for: primary?.id ?? null,
        is_key_required: primary?.is_key_required ?? false,
        operation_id: operationId,
      })
      .execute()
    if (wish.kind === 'own') await noteOwner(trx, server, id)
    const after = { ...size, region: region.name, server, secondaryFor: primary?.name ?? null }
    await audit(trx, caller, { action: 'mobile create', subject: wanted.name, after, operationId })
    await bumpDesired(trx)
    const where = placeText({ machine, server, isServerNew: wish.kind === 'own' })
    const changes = [`Create '${wanted.name}' in ${region.name}, ${sizeText(size)}: ${where}`]
    if (primary) changes.push(`Promise it to '${primary.name}'`)
    return { operationId, changes }
  })
}

async function findServer(
  trx: Kysely<ControlDatabase>,
  { field, seal }: ServiceDeps,
  wish: ServerWish,
  service: { name: string; region: Region; machine: string },
): Promise<string> {
  switch (wish.kind) {
    case 'default':
      return await findDefaultServer(trx, field, service.region)
    case 'named':
      return await findNamedServer(trx, field, wish.name)
    case 'own':
      return await insertOwnServer(trx, seal, { ...service, region: service.region.slug })
  }
}

// A machine that starts again is waited for: whoever asked would only ask again.
const PASSING = ['door.unreachable']

export const CREATE_STEPS = [
  { name: 'database', sentence: 'Making its schema' },
  { name: 'runtime', sentence: 'Starting it' },
  { name: 'route', sentence: 'Telling every gateway' },
]

/** How a creation is carried out. */
export function createKind({ db, field }: ServiceDeps): OperationKind {
  const load = async (id: string) => {
    const service = await getServiceById(db, id)
    const version = Number((await db.selectFrom('desired').select('version').executeTakeFirstOrThrow()).version)
    return { service, version }
  }
  return {
    steps: [
      {
        name: 'database',
        passing: PASSING,
        async run({ operation, facts }) {
          const { service, version } = await load(serviceIdOf(operation))
          facts.version ??= version
          await field.push()
          const server = await getServer(db, service.server)
          const found = schemaProblem(await field.askHost(primaryOf(server).machine), {
            server: service.server,
            schema: service.schema_name,
            version: Number(facts.version),
          })
          if (found)
            throw new Fault('service.schema_failed', 500, `the schema of '${service.name}' could not be made: ${found}`)
          return found === null ? { kind: 'done' } : notYet(`${service.server} to make its schema`, WAIT_MS)
        },
      },
      {
        name: 'runtime',
        passing: PASSING,
        async run({ operation, facts }) {
          const { service } = await load(serviceIdOf(operation))
          const wanted = {
            runtime: runtimeOf(service),
            service: service.name,
            epoch: Number(service.epoch),
            version: Number(facts.version),
          }
          if (isServed(await field.askHost(service.machine), wanted)) return { kind: 'done' }
          return notYet(`a runtime on ${service.machine}`, WAIT_MS)
        },
      },
      {
        name: 'route',
        async run() {
          const { unreached } = await field.push()
          return unreached.length === 0
            ? { kind: 'done' }
            : { kind: 'done', detail: `${unreached.join(', ')} will learn it later` }
        },
      },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeld(trx, operation, { state: 'ready', operation_id: null })
        await bumpDesired(trx)
        await end(trx, {})
      })
    },
    async fail({ operation }, _fault, end) {
      await db.transaction().execute(async (trx) => {
        const service = await getServiceById(trx, serviceIdOf(operation))
        await updateHeld(trx, operation, { state: 'deleted', ended_at: new Date(), operation_id: null })
        await endOwnServer(trx, service)
        await bumpDesired(trx)
        await end(trx, { state: 'failed' })
      })
      await field.push()
    },
  }
}

// Where none is named: the first region, and for a secondary the first that is not its primary's.
async function chooseRegion(db: Kysely<ControlDatabase>, caller: Caller, wanted: CreateService): Promise<Region> {
  if (wanted.location !== undefined) return await getRegion(db, wanted.location)
  const primary = wanted.secondaryFor ? await getService(db, caller.subscriptionId, wanted.secondaryFor) : null
  const first = (await listRegions(db)).find((region) => region.slug !== primary?.region)
  if (!first) throw new Fault('region.unknown', 404, 'there is no region yet', { hint: 'Start a host first.' })
  return first
}

function sizeOf(wanted: CreateService, primary: Service | null): Size {
  return resized(primary ?? { mode: 'shared', units: 1 }, wanted)
}

/** The primary that a secondary is to be promised to, locked. Faults with `service.unknown`. */
export async function lockPrimary(trx: Kysely<ControlDatabase>, caller: Caller, name: string): Promise<Service> {
  const named = await getService(trx, caller.subscriptionId, name)
  const [locked] = await lockServices(trx, [named.id])
  if (locked) return locked
  throw new Fault('service.unknown', 404, `there is no mobile service '${name}' any more`)
}

/**
 * Locks a name until the transaction ends, before anything else: a service that is not there yet has no row to lock,
 * and two of one name in two regions would pass each other.
 */
export async function lockName(trx: Kysely<ControlDatabase>, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name.toLowerCase()}, 0))`.execute(trx)
}

/** Faults with `service.exists` when a living service has that name. */
export async function requireFreeName(
  trx: Kysely<ControlDatabase>,
  name: string,
  hint = 'Choose another name.',
): Promise<void> {
  const taken = (await listServices(trx, null)).some((service) => service.name.toLowerCase() === name.toLowerCase())
  if (taken) throw new Fault('service.exists', 409, `the name '${name}' is taken`, { hint })
}

/** Faults with `recovery.*` unless a secondary's promise would be good: elsewhere, as high, as large, and the only one. */
export async function requireFitting(
  trx: Kysely<ControlDatabase>,
  primary: Service,
  secondary: Size & { region: Region; name: string },
): Promise<void> {
  const refuse = (code: string, message: string, hint: string) => new Fault(`recovery.${code}`, 409, message, { hint })
  if (primary.region === secondary.region.slug) {
    const message = `'${primary.name}' is in ${secondary.region.name} itself`
    throw refuse('same_region', message, 'A secondary must be in another region: name it with --location.')
  }
  const unfit = unfitReason(primary, secondary)
  if (unfit === 'mode_too_low') {
    const message = `'${primary.name}' is reserved; its secondary must be reserved too`
    throw refuse('mode_too_low', message, 'Leave --mode out: it is taken from the primary.')
  }
  if (unfit === 'too_few_units') {
    const message = `'${primary.name}' has ${primary.units} units; its secondary must have as many`
    throw refuse('too_few_units', message, 'Leave --units out: it is taken from the primary.')
  }
  if (primary.secondary_for !== null) {
    const message = `'${primary.name}' is a secondary itself`
    throw refuse('promised_elsewhere', message, 'Name a primary with --secondary-for.')
  }
  const other = (await listServices(trx, null)).find((service) => service.secondary_for === primary.id)
  if (other) {
    const message = `'${primary.name}' has a secondary already: '${other.name}'`
    throw refuse('has_secondary', message, `Delete that one first: mainstay mobile delete ${other.name}`)
  }
}
