// Scaling a mobile service: another mode or number of units, in place; no request falls between two runtimes.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ScalePlanView, ScaleService } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { beginOnce, insertOperation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import { notYet, type OperationKind, type StepResult } from '../operations/runner.ts'
import type { Field } from '../regions/field.ts'
import { requireReachable } from '../regions/hosts.ts'
import { findRoom, type Size } from '../regions/ledger.ts'
import { bumpDesired, getRegion, listMachines, lockRegion } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import type { ServiceDeps } from './create-service.ts'
import { isServedBy } from './facts-of.ts'
import { requireKeptPromise, resized, sizeText } from './fit.ts'
import {
  getService,
  getServiceById,
  listHoldings,
  listServices,
  lockServices,
  requireIdle,
  type Service,
  updateHeld,
} from './services.ts'

type ScaleInput = { from: Size; to: Size }

const WAIT_MS = 30
const SCALE_STEPS = [
  { name: 'runtime', sentence: 'Starting what it needs' },
  { name: 'route', sentence: 'Telling every gateway' },
]

/** A dry run was checked and is planned; otherwise an operation carries it out. */
export type BegunScale = { kind: 'planned'; plan: ScalePlanView } | { kind: 'begun'; operationId: string }

/** Checks everything and, unless it is a dry run, takes the capacity and writes the operation. */
export async function beginScale(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: ScaleService,
  idempotencyKey: string | null,
): Promise<BegunScale> {
  return await beginOnce(
    deps.db,
    { subscriptionId: caller.subscriptionId, key: idempotencyKey },
    {
      begin: async () => await claimScale(deps, caller, name, wanted, idempotencyKey),
      again: ({ id }) => ({ kind: 'begun', operationId: id }),
    },
  )
}

async function claimScale(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: ScaleService,
  idempotencyKey: string | null,
): Promise<BegunScale> {
  const { db, field } = deps
  const named = await getService(db, caller.subscriptionId, name)
  const { name: region } = await getRegion(db, named.region)
  await field.settle()
  requireReachable(field, named.machine, `'${named.name}'`)
  return await db.transaction().execute(async (trx) => {
    const { service, primary, secondary } = await lockWithPartners(trx, named)
    requireIdle(service)
    const from: Size = { mode: service.mode, units: service.units }
    const to = resized(from, wanted)
    if (from.mode === to.mode && from.units === to.units) {
      throw new Fault('scale.unchanged', 409, `'${service.name}' is ${sizeText(to)} already`)
    }
    requireKeptPromise({ name: service.name, ...to }, { primary, secondary })
    await requireRoomFor(trx, field, service, to)
    if (wanted.isDryRun === true) return { kind: 'planned', plan: { name: service.name, region, from, to } }
    const operationId = await insertOperation(trx, {
      kind: 'scale',
      caller,
      subject: { service: { id: service.id, name: service.name } },
      input: { from, to } satisfies ScaleInput,
      steps: SCALE_STEPS,
      idempotencyKey,
    })
    const isOtherMode = from.mode !== to.mode
    await trx
      .updateTable('services')
      .set({
        operation_id: operationId,
        // Another mode is another runtime: it comes beside the old one first. Units come and go in place.
        ...(isOtherMode ? { also_mode: to.mode, also_units: to.units } : { units: to.units }),
      })
      .where('id', '=', service.id)
      .execute()
    await audit(trx, caller, {
      action: 'mobile scale change',
      subject: service.name,
      before: from,
      after: to,
      operationId,
    })
    await bumpDesired(trx)
    return { kind: 'begun', operationId }
  })
}

/** How a scaling is carried out. */
export function scaleKind({ db, field }: ServiceDeps): OperationKind {
  return {
    steps: [
      {
        name: 'runtime',
        async run({ operation, facts }) {
          const service = await getServiceById(db, serviceIdOf(operation))
          facts.version ??= await desiredVersion(db)
          await field.push()
          const { to } = inputOf(operation)
          const wanted = { ...to, name: service.name, epoch: Number(service.epoch), version: Number(facts.version) }
          if (isServedBy(await field.askHost(service.machine), wanted)) return { kind: 'done', detail: sizeText(to) }
          return notYet(`${service.machine} to serve it as ${sizeText(to)}`, WAIT_MS)
        },
      },
      {
        name: 'route',
        async run({ operation, facts }) {
          await swapShapes(db, serviceIdOf(operation), inputOf(operation))
          facts.isSwapped = true
          return await tellGateways(field)
        },
      },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeld(trx, operation, { also_mode: null, also_units: null, operation_id: null })
        await bumpDesired(trx)
        await end(trx, {})
      })
      await field.push()
    },
    async fail({ operation, facts }, _fault, end) {
      const { from, to } = inputOf(operation)
      const service = await getServiceById(db, serviceIdOf(operation))
      // What was given back may be somebody else's by now, and gateways may know the new runtime: then it stays as asked.
      const isShrunk = from.mode === to.mode && to.units < from.units
      const isKept = isShrunk || facts.isSwapped === true || (from.mode !== to.mode && service.mode === to.mode)
      await db.transaction().execute(async (trx) => {
        const back = isKept ? {} : { mode: from.mode, units: from.units }
        await updateHeld(trx, operation, { ...back, also_mode: null, also_units: null, operation_id: null })
        await bumpDesired(trx)
        const next = `mainstay mobile scale change ${subjectOf(operation)}`
        await end(trx, isKept ? { state: 'succeeded', error: null } : { state: 'failed', next })
      })
      await field.push()
    },
  }
}

async function lockWithPartners(trx: Kysely<ControlDatabase>, named: Service) {
  const all = await listServices(trx, null)
  const partnerIds = all
    .filter((other) => other.id === named.secondary_for || other.secondary_for === named.id)
    .map(({ id }) => id)
  const locked = await lockServices(trx, [named.id, ...partnerIds])
  const service = locked.find(({ id }) => id === named.id)
  if (!service) throw new Fault('service.unknown', 404, `there is no mobile service '${named.name}' any more`)
  return {
    service,
    primary: locked.find(({ id }) => id === service.secondary_for) ?? null,
    secondary: locked.find((other) => other.secondary_for === service.id) ?? null,
  }
}

// Growing needs room on its own host. What it has already counts, except where the new shape comes beside the old.
async function requireRoomFor(trx: Kysely<ControlDatabase>, field: Field, service: Service, to: Size): Promise<void> {
  const region = await lockRegion(trx, (await getRegion(trx, service.region)).slug)
  const room = roomOf(region, await listMachines(trx), field)
  const holdings = await listHoldings(trx)
  const isSameMode = service.mode === to.mode
  if (isSameMode && to.units <= service.units) return
  const more = isSameMode ? { mode: to.mode, units: to.units - service.units } : to
  findRoom(room, holdings, more, service.machine)
}

async function swapShapes(db: Kysely<ControlDatabase>, id: string, { from, to }: ScaleInput): Promise<void> {
  if (from.mode === to.mode) return
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('services')
      .set({ mode: to.mode, units: to.units, also_mode: from.mode, also_units: from.units })
      .where('id', '=', id)
      // Swapped already, before a crash: then there is nothing to do again.
      .where('mode', '=', from.mode)
      .execute()
    await bumpDesired(trx)
  })
}

async function tellGateways(field: Field): Promise<StepResult> {
  const { unreached } = await field.push()
  const { live, late } = await field.gateways()
  const silent = live.filter((gateway) => unreached.includes(gateway))
  if (silent.length > 0) return notYet(`${silent.join(', ')} to take the route`, WAIT_MS)
  return late.length === 0 ? { kind: 'done' } : { kind: 'done', detail: `${late.join(', ')} will learn it later` }
}

async function desiredVersion(db: Kysely<ControlDatabase>): Promise<number> {
  const { version } = await db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
  return Number(version)
}

function inputOf(operation: { input: Record<string, unknown> }): ScaleInput {
  // Written by beginScale, whose type this is.
  return operation.input as ScaleInput
}
