// How a service is changed to another database: requests wait, the one is closed, the other opened under a new epoch.
// Until requests go on, all can be put back.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { isServed } from '../contract/host-condition.ts'
import { leaveSchema, takeSchemaBack } from '../databases/former-schemas.ts'
import { getServer, primaryOf, updateHeldServer } from '../databases/servers.ts'
import type { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import type { EndOperation, OperationKind, StepContext, StepResult } from '../operations/runner.ts'
import { runtimeOf } from '../regions/field.ts'
import { bumpDesired, nextEpoch } from '../regions/regions.ts'
import { schemaProblem } from '../services/facts-of.ts'
import { getServiceById, updateHeld } from '../services/services.ts'
import type { ChangeInput } from './change-claim.ts'
import { proveThroughGateways } from './proof.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { raiseStampsOver, restampSome } from './service-data.ts'
import {
  decideSwitch,
  holdOfService,
  holdRequests,
  releaseRequests,
  requireInTime,
  type SwitchFacts,
  wait,
} from './switch-steps.ts'
import { verifyAfterMove } from './verify-service.ts'

type Db = Kysely<ControlDatabase>

/** `stampMs`: the first stamp that the new database may give. */
type Facts = SwitchFacts & { stampMs?: number; restamped?: number }

// A machine that does not answer just now is waited for.
const PASSING = ['door.unreachable', 'probe.failed', 'server.not_open']

/** The kind `change_database`. */
export function changeDatabaseKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      { name: 'hold', run: async (context) => await holdRequests(deps, context, holdOfService(context.operation)) },
      { name: 'swap', run: async (context) => await swap(deps, context) },
      { name: 'open', passing: PASSING, run: async (context) => await open(deps, context) },
      {
        name: 'release',
        passing: PASSING,
        run: async (context) => await releaseRequests(deps, context, holdOfService(context.operation)),
      },
      { name: 'prove', passing: PASSING, run: async ({ operation }) => await prove(deps, operation) },
      { name: 'restamp', passing: PASSING, isEndless: true, run: async (context) => await restamp(deps, context) },
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

// Nobody writes any more: what is newest now is what new stamps must be above.
async function swap(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { operation } = context
  const { from, to } = inputOf(operation)
  const facts = context.facts as Facts
  if (facts.isSwapped === true) return { kind: 'done' }
  requireInTime(context)
  const serviceId = serviceIdOf(operation)
  facts.stampMs = await raiseStampsOver(deps, { serviceId, from, to })
  requireInTime(context)
  await decideSwitch(deps.db, context, async (trx) => {
    const epoch = await nextEpoch(trx)
    await updateHeld(trx, operation, { server: to.server, schema_name: to.schema, epoch })
    await takeSchemaBack(trx, { serviceId, server: to.server })
    await leaveSchema(trx, { serviceId, ...from, isKept: !from.isKnown })
  })
  return { kind: 'done', detail: `on ${to.server}` }
}

// The old login is shut out, the new one works, and every process of the service's runtime uses it.
async function open({ db, field }: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { from, to } = inputOf(operation)
  const { swapVersion: version = 0 } = facts as Facts
  await field.push()
  const service = await getServiceById(db, serviceIdOf(operation))
  const [target, source] = [await getServer(db, to.server), await getServer(db, from.server)]
  const home = await field.askHost(primaryOf(target).machine)
  const problem = schemaProblem(home, { server: to.server, schema: to.schema, version })
  if (problem !== null) return wait(problem ?? `${to.server} to open its schema`)
  const old = primaryOf(source).machine
  if (from.isKnown && field.isReachable(old)) {
    const left = schemaProblem(await field.askHost(old), { ...from, version })
    if (left !== null) return wait(left ?? `${from.server} to close its schema`)
  }
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  if (!isServed(await field.askHost(service.machine), wanted)) return wait(`a runtime on ${service.machine}`)
  return { kind: 'done', detail: `under epoch ${service.epoch}` }
}

async function prove(deps: RecoveryDeps, operation: Operation): Promise<StepResult> {
  const { live } = await proveThroughGateways(deps, operation)
  return live.length === 0 ? wait('a gateway') : { kind: 'done', detail: `through ${live.join(', ')}` }
}

// From here on the service may be changed again: what is left is only for apps that were offline.
async function restamp(deps: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const known = facts as Facts
  const { to } = inputOf(operation)
  await letGo(deps.db, operation)
  const wanted = { schema: to.schema, beforeMs: Number(known.stampMs) }
  const { rows, isDone } = await restampSome(deps, to.server, wanted)
  known.restamped = (known.restamped ?? 0) + rows
  return isDone ? { kind: 'done', detail: `${known.restamped} row(s)` } : wait(`${known.restamped} row(s) so far`)
}

async function fail(deps: RecoveryDeps, context: StepContext, fault: Fault, end: EndOperation): Promise<void> {
  const { operation } = context
  const facts = context.facts as Facts
  const { db, field } = deps
  const name = subjectOf(operation)
  // Requests go on by the other database: it has taken writes.
  const isDone = facts.openedAt !== undefined
  await db.transaction().execute(async (trx) => {
    await holdOfService(operation).end(trx)
    if (facts.isSwapped === true && !isDone) await putBack(trx, operation)
    await letGo(trx, operation)
    await bumpDesired(trx)
    const next = isDone ? `mainstay mobile verify ${name}` : (fault.hint ?? `mainstay mobile show ${name}`)
    await end(trx, { state: 'failed', next })
  })
  await field.push()
}

// No app has written to the other database: it is left as it was found, and closed.
async function putBack(trx: Db, operation: Operation): Promise<void> {
  const { from, to } = inputOf(operation)
  const serviceId = serviceIdOf(operation)
  const epoch = await nextEpoch(trx)
  await updateHeld(trx, operation, { server: from.server, schema_name: from.schema, epoch })
  await takeSchemaBack(trx, { serviceId, server: from.server })
  await leaveSchema(trx, { serviceId, ...to, isKept: true })
  faultPoint('change_database.put_back')
}

async function letGo(trx: Db, operation: Operation): Promise<void> {
  await updateHeld(trx, operation, { operation_id: null, is_held: false })
  await updateHeldServer(trx, operation, { operation_id: null })
}

function inputOf(operation: Operation): ChangeInput {
  // Written by claimChange, whose type this is.
  return operation.input as ChangeInput
}
