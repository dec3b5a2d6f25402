// How a planned move of a service is carried out: it is served in both homes first, then requests are held while its
// server changes roles and its home changes; its secondary goes the other way.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { isServed } from '../contract/host-condition.ts'
import { untilProtected } from '../databases/server-operations.ts'
import { getServer, primaryOf, updateHeldServer } from '../databases/servers.ts'
import type { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { randomId } from '../kit/identifiers.ts'
import { noteFacts, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import type { EndOperation, OperationKind, StepContext, StepResult } from '../operations/runner.ts'
import { runtimeOf } from '../regions/field.ts'
import { bumpDesired, getRegion, nextEpoch } from '../regions/regions.ts'
import { isNotServed, schemaProblem } from '../services/facts-of.ts'
import { findDefaultServer } from '../services/place.ts'
import { freeSchemaName, getServiceById, updateHeld } from '../services/services.ts'
import { proveThroughGateways } from './proof.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import type { SwitchInput } from './switch-claim.ts'
import {
  changeRoles,
  decideSwitch,
  type Hold,
  holdOfServer,
  holdOfService,
  holdRequests,
  openPrimary,
  prepareMove,
  releaseRequests,
  requireInTime,
  type SwitchFacts,
  wait,
} from './switch-steps.ts'
import { verifyAfterMove } from './verify-service.ts'

type Db = Kysely<ControlDatabase>

type Facts = SwitchFacts & { warmVersion?: number; newSecondaryId?: string; secondaryVersion?: number }

// A machine that does not answer just now is waited for.
const PASSING = ['door.unreachable', 'probe.failed']
// Its default server may be just being made: the one before may have moved with the service.
const SECONDARY_PASSING = [...PASSING, 'region.no_database']

/** The kind `switchover`. */
export function switchServiceKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      { name: 'warm', run: async (context) => await warm(deps, context) },
      { name: 'prepare', run: async ({ operation }) => await prepare(deps, operation) },
      { name: 'hold', run: async (context) => await holdRequests(deps, context, holdOf(db, context.operation)) },
      { name: 'swap', run: async (context) => await swap(deps, context) },
      {
        name: 'open',
        passing: PASSING,
        isEndless: true,
        run: async (context) => await openPrimary(deps, context, inputOf(context.operation).server),
      },
      {
        name: 'release',
        passing: PASSING,
        run: async (context) => await releaseRequests(deps, context, holdOf(db, context.operation)),
      },
      { name: 'prove', passing: PASSING, run: async ({ operation }) => await prove(deps, operation) },
      { name: 'secondary', passing: SECONDARY_PASSING, run: async (context) => await moveSecondary(deps, context) },
      { name: 'follow', isEndless: true, run: async ({ operation }) => await follow(deps, operation) },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await letGo(trx, operation)
        await verifyAfterMove(trx, operation)
        await end(trx, {})
      })
    },
    fail: async (context, fault, end) => await fail(deps, context, fault, end),
  }
}

// Started before requests are held: a new runtime takes a second to start, and its database is a region away meanwhile.
async function warm({ db, field }: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { to } = inputOf(operation)
  const known = facts as Facts
  known.warmVersion ??= await db.transaction().execute(async (trx) => {
    await updateHeld(trx, operation, { also_machine: to.machine })
    return await bumpDesired(trx)
  })
  faultPoint('switchover.warm.added')
  await field.push()
  const service = await getServiceById(db, serviceIdOf(operation))
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch) }
  const isThere = isServed(await field.askHost(to.machine), { ...wanted, version: known.warmVersion })
  return isThere ? { kind: 'done', detail: `on ${to.machine}` } : wait(`a runtime on ${to.machine}`)
}

async function prepare(deps: RecoveryDeps, operation: Operation): Promise<StepResult> {
  const { serverMove } = inputOf(operation)
  return serverMove ? await prepareMove(deps, serverMove) : { kind: 'done' }
}

async function swap(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { serverMove, from, to } = inputOf(context.operation)
  const facts = context.facts as Facts
  // Served in both until all is settled: a request by an old route is refused by its epoch, not for want of a runtime.
  const moveHome = async (trx: Db) => {
    await updateHeld(trx, context.operation, { ...to, also_machine: from.machine, epoch: await nextEpoch(trx) })
  }
  if (serverMove) return await changeRoles(deps, context, serverMove, moveHome)
  if (facts.isSwapped !== true) {
    requireInTime(context)
    await decideSwitch(deps.db, context, moveHome)
  }
  return { kind: 'done', detail: `on ${to.machine}` }
}

async function prove(deps: RecoveryDeps, operation: Operation): Promise<StepResult> {
  const { live } = await proveThroughGateways(deps, operation)
  return live.length === 0 ? wait('a gateway') : { kind: 'done', detail: `through ${live.join(', ')}` }
}

// It is capacity: made anew where the service was, under its name, its keys and its promise. The old one ends.
async function moveSecondary({ db, field }: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { secondaryId, from } = inputOf(context.operation)
  const facts = context.facts as Facts
  if (secondaryId === null) return { kind: 'done' }
  if (facts.newSecondaryId === undefined) {
    const id = randomId(6)
    const known = await db.transaction().execute(async (trx) => {
      const old = await getServiceById(trx, secondaryId)
      const server = await findDefaultServer(trx, field, await getRegion(trx, from.region))
      const ended = { state: 'deleted' as const, ended_at: new Date(), operation_id: null }
      await trx.updateTable('services').set(ended).where('id', '=', secondaryId).execute()
      const { created_at: _, ...kept } = old
      const schema_name = await freeSchemaName(trx, server, old.name)
      const place = { ...from, server, schema_name, epoch: await nextEpoch(trx), state: 'creating' as const }
      await trx
        .insertInto('services')
        .values({
          ...{ ...kept, ...place, id, cors_origins: JSON.stringify(kept.cors_origins) },
          login_redirects: JSON.stringify(kept.login_redirects),
        })
        .execute()
      const noted = { ...facts, newSecondaryId: id, secondaryVersion: await bumpDesired(trx) }
      await noteFacts(trx, context.operation.id, noted)
      return noted
    })
    Object.assign(facts, known)
    faultPoint('switchover.secondary.moved')
  }
  await field.push()
  const service = await getServiceById(db, String(facts.newSecondaryId))
  const version = Number(facts.secondaryVersion)
  const home = await field.askHost(primaryOf(await getServer(db, service.server)).machine)
  const problem = schemaProblem(home, { server: service.server, schema: service.schema_name, version })
  if (problem !== null) return wait(problem ?? `${service.server} to make its schema`)
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  if (!isServed(await field.askHost(service.machine), wanted)) return wait(`a runtime on ${service.machine}`)
  await db.transaction().execute(async (trx) => {
    const ready = { state: 'ready' as const, operation_id: null }
    await updateHeld(trx, { id: context.operation.id, service_id: service.id }, ready)
    await bumpDesired(trx)
  })
  return { kind: 'done', detail: `'${service.name}' is on ${service.machine}` }
}

// From here on the service may be moved again, or recovered: what is left follows by itself.
async function follow(deps: RecoveryDeps, operation: Operation): Promise<StepResult> {
  const { db, field } = deps
  const { server, serverMove, from } = inputOf(operation)
  await db.transaction().execute(async (trx) => {
    await updateHeld(trx, operation, { also_machine: null, operation_id: null })
    await bumpDesired(trx)
  })
  await field.push()
  if (field.isReachable(from.machine) && !isNotServed(await field.askHost(from.machine), subjectOf(operation))) {
    return wait(`${from.machine} to stop serving it`)
  }
  if (!serverMove) return { kind: 'done' }
  await updateHeldServer(db, operation, { operation_id: null })
  return await untilProtected(deps, server)
}

async function fail(deps: RecoveryDeps, context: StepContext, fault: Fault, end: EndOperation): Promise<void> {
  const { operation } = context
  const { db, field } = deps
  const { fromRegion, secondaryName } = inputOf(operation)
  const isReleased = (context.facts as Facts).openedAt !== undefined
  const name = subjectOf(operation)
  await db.transaction().execute(async (trx) => {
    await holdOf(db, operation).end(trx)
    await letGo(trx, operation)
    await bumpDesired(trx)
    // The service lives in its new home. A secondary that could not follow protects nothing there.
    const anew = `mainstay mobile create ${name}-3 --location "${fromRegion}" --secondary-for ${name}`
    const after = secondaryName === null ? `mainstay mobile show ${name}` : anew
    await end(trx, { state: 'failed', next: isReleased ? after : (fault.hint ?? `mainstay mobile show ${name}`) })
  })
  await field.push()
}

async function letGo(trx: Db, operation: Operation): Promise<void> {
  const free = { also_machine: null, is_held: false, operation_id: null }
  await trx.updateTable('services').set(free).where('operation_id', '=', operation.id).execute()
  await updateHeldServer(trx, operation, { operation_id: null })
}

// Of the whole server where that moves along, of the one service where only its home does.
function holdOf(db: Db, operation: Operation): Hold {
  const { serverMove } = inputOf(operation)
  return serverMove ? holdOfServer(db, serverMove) : holdOfService(operation)
}

function inputOf(operation: Operation): SwitchInput {
  // Written by claimSwitch, whose type this is.
  return operation.input as SwitchInput
}
