// How a recovery is carried out: seven steps, each of which can be run again, and what to do when one fails.
import type { ProbeAnswer } from '../contract/facts.ts'
import { isServed } from '../contract/host-condition.ts'
import { getServer, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { noteFacts, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import {
  type EndOperation,
  notYet,
  type OperationKind,
  type StepContext,
  type StepResult,
} from '../operations/runner.ts'
import { runtimeOf } from '../regions/field.ts'
import { bumpDesired, nextEpoch } from '../regions/regions.ts'
import { archiveOf } from '../services/archive.ts'
import { isNotServed, schemaProblem } from '../services/facts-of.ts'
import { getServiceById, updateHeld } from '../services/services.ts'
import { type PromotionFacts, promoteStandby } from './promotion.ts'
import { probeTarget, proveThroughGateways } from './proof.ts'
import type { RecoverInput } from './recover-begin.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import {
  leaveLost,
  letGoOfRestored,
  prepareRestored,
  putBackRestored,
  type RestoreStepFacts,
  restampRestored,
  restoreDatabase,
} from './recover-restore.ts'
import { reportRecovery } from './report.ts'
import { runtimeProblems, verifyAfterMove } from './verify-service.ts'

const LOOK_AGAIN_MS = 20

// A database is restored, and its rows are stamped, in the time that its size wants.
function isLong(step: string): (operation: Operation) => boolean {
  return (operation) => inputOf(operation).action === 'restore' && (step === 'database' || step === 'restamp')
}

// A machine that does not answer just now is waited for; what is refused or wrong ends the step.
const PASSING = ['door.unreachable', 'probe.failed', 'server.not_open']

/** What steps tell later steps; part of the operation's row. */
export type RecoverFacts = RestoreStepFacts &
  PromotionFacts & {
    oldPrimaryMachine?: string
    isOldStopConfirmed?: boolean
    /** The route was opened: apps write to the new home. */
    isForwardOnly?: boolean
    desiredVersion?: number
    rows?: number
    lateGateways?: string[]
  }

/** The kind `recover`. */
export function recoverKind(deps: RecoveryDeps): OperationKind {
  const steps: [string, (context: StepContext) => Promise<StepResult>][] = [
    ['fence', async (context) => await fence(deps, context)],
    ['database', async (context) => await bringUpDatabase(deps, context)],
    ['activate', async (context) => await activate(deps, context)],
    ['verify', async (context) => await verify(deps, context)],
    ['reroute', async (context) => await reroute(deps, context)],
    ['prove', async (context) => await prove(deps, context)],
    ['cleanup', async (context) => await cleanUp(deps, context)],
    ['restamp', async (context) => await restampRestored(deps, context)],
  ]
  return {
    steps: steps.map(([name, run]) => ({ name, run, passing: PASSING, isEndless: isLong(name) })),
    finish: async ({ operation, facts }, end) => {
      const known = facts as RecoverFacts
      const report = reportRecovery({ operation, input: inputOf(operation), facts: known, steps: operation.steps })
      await deps.db.transaction().execute(async (trx) => {
        await verifyAfterMove(trx, operation)
        await end(trx, { report })
      })
    },
    fail: async (context, fault, end) => await fail(deps, context, fault, end),
  }
}

// The old home has confirmed that it serves no more, or it cannot be asked: then its lease fences it, and the next step
// does not promote before that has run out. Where its database lives on, the new epoch shuts out the old login.
async function fence({ field, db }: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const input = inputOf(context.operation)
  const facts = context.facts as RecoverFacts
  await field.push()
  if (!field.isReachable(input.from.machine)) {
    return { kind: 'done', detail: `${input.from.machine} cannot be asked; its lease and epoch fence it` }
  }
  const service = await getServiceById(db, serviceIdOf(context.operation))
  const found = await field.askHost(input.from.machine)
  if (!isNotServed(found, service.name)) return wait(`${input.from.machine} to stop serving it`)
  const server = found.servers.find((entry) => entry.name === input.server)
  facts.isOldStopConfirmed = input.from.machine === facts.oldPrimaryMachine && server?.state === 'quarantined'
  return { kind: 'done', detail: `${input.from.machine} confirmed that it serves it no more` }
}

async function bringUpDatabase(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const input = inputOf(context.operation)
  const facts = context.facts as RecoverFacts
  if (input.action === 'restore') return await restoreDatabase(deps, context, input)
  const before = await getServer(db, input.server)
  if (input.action === 'keep') {
    const { machine } = primaryOf(before)
    if (!field.isReachable(machine)) {
      throw new Fault('recovery.database_lost', 409, `${input.server} on ${machine} was alive and is lost now`, {
        hint: `Plan anew, with its standby: mainstay mobile recover ${subjectOf(context.operation)} ${input.secondaryName}`,
      })
    }
    const found = await field.askHost(machine)
    const server = found.servers.find((entry) => entry.name === input.server)
    if (server?.state !== 'running') return wait(`${input.server} to be open`)
    return { kind: 'done', detail: `${input.server} is kept on ${machine}` }
  }
  return await promoteStandby(deps, context, {
    server: input.server,
    isOldPrimaryStopped: facts.isOldStopConfirmed === true,
  })
}

async function activate(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const input = inputOf(context.operation)
  const facts = context.facts as RecoverFacts
  const isRestored = input.action === 'restore'
  const place = isRestored && facts.desiredVersion === undefined ? await prepareRestored(deps, context, input) : {}
  facts.desiredVersion ??= await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('services')
      .set((eb) => ({
        state: 'activating' as const,
        region: input.to.region,
        machine: input.to.machine,
        ...place,
        epoch: eb.fn<string>('greatest', ['epoch', eb.val(input.epoch)]),
      }))
      .where('id', '=', serviceIdOf(context.operation))
      .execute()
    if (isRestored) await leaveLost(trx, context.operation, input)
    const version = await bumpDesired(trx)
    await noteFacts(trx, context.operation.id, { ...facts, desiredVersion: version })
    return version
  })
  faultPoint('recover.activate.moved')
  await field.push()
  const service = await getServiceById(db, serviceIdOf(context.operation))
  const server = await getServer(db, service.server)
  const version = facts.desiredVersion
  const schema = { server: service.server, schema: service.schema_name, version }
  const problem = schemaProblem(await field.askHost(primaryOf(server).machine), schema)
  if (problem) return wait(`its schema: ${problem}`)
  if (problem === undefined) return wait(`${service.server} to open its schema under epoch ${service.epoch}`)
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  if (!isServed(await field.askHost(input.to.machine), wanted)) return wait(`a runtime on ${input.to.machine}`)
  return { kind: 'done', detail: `on ${input.to.machine} under epoch ${service.epoch}` }
}

async function verify(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const target = await probeTarget(deps, context.operation)
  const answer = await deps.field.probeRuntime(target)
  const missing = answer.tables.filter((table) => table.rows === null).map((table) => table.name)
  if (missing.length > 0) {
    throw new Fault(
      'recovery.verify_failed',
      500,
      `tables that are defined are not whole in the database: ${missing.join(', ')}`,
    )
  }
  const scripts = answer.scripts ?? []
  await requireInForce(deps, serviceIdOf(context.operation), answer)
  const facts = context.facts as RecoverFacts
  facts.rows = answer.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0)
  return {
    kind: 'done',
    detail: `${answer.tables.length} table(s), ${scripts.length} script(s), ${facts.rows} row(s), a write and a read`,
  }
}

// What would run in the new home is what is in force: texts, keys, permissions and settings.
async function requireInForce(deps: RecoveryDeps, serviceId: string, answer: ProbeAnswer): Promise<void> {
  const problems = await runtimeProblems(deps, await getServiceById(deps.db, serviceId), answer)
  if (problems.length === 0) return
  // A host fetches what it lacks by itself; until then this is waited for, not failed.
  throw new Fault('probe.failed', 503, `the new home does not have what is in force yet: ${problems.join('; ')}`)
}

async function reroute({ db, field, incidents }: RecoveryDeps, context: StepContext): Promise<StepResult> {
  // What was wrong was wrong with the old home. The new one is judged afresh, and its route is not held shut meanwhile.
  await incidents.forget('service', serviceIdOf(context.operation))
  await db.transaction().execute(async (trx) => {
    await updateHeld(trx, context.operation, { state: 'ready' })
    await bumpDesired(trx)
  })
  faultPoint('recover.reroute.opened')
  ;(context.facts as RecoverFacts).isForwardOnly = true
  const { unreached } = await field.push()
  const { live, late } = await field.gateways()
  const silent = live.filter((gateway) => unreached.includes(gateway))
  if (silent.length > 0) return wait(`${silent.join(', ')} to take the route`)
  ;(context.facts as RecoverFacts).lateGateways = late
  return {
    kind: 'done',
    detail: `${live.length} gateway(s)${late.length > 0 ? `; ${late.join(', ')} will learn it` : ''}`,
  }
}

async function prove(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { live, late } = await proveThroughGateways(deps, context.operation)
  // One that fell silent after the rerouting learns it when it is back, and is named as late like the others.
  ;(context.facts as RecoverFacts).lateGateways = late
  return live.length === 0 ? wait('a gateway') : { kind: 'done', detail: `through ${live.join(', ')}` }
}

async function cleanUp({ db, field }: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const input = inputOf(context.operation)
  await db.transaction().execute(async (trx) => {
    const secondary = await getServiceById(trx, input.secondaryId)
    if (secondary.ended_at !== null) return
    const reason = `consumed by the recovery of ${subjectOf(context.operation)}`
    await trx
      .insertInto('archives')
      .values(await archiveOf(trx, secondary, reason))
      .execute()
    await trx
      .updateTable('services')
      .set({ state: 'archived', ended_at: new Date(), operation_id: null })
      .where('id', '=', secondary.id)
      .execute()
    await trx
      .updateTable('services')
      .set({ operation_id: null })
      .where('id', '=', serviceIdOf(context.operation))
      .execute()
    await letGoOfRestored(trx, context.operation)
    await bumpDesired(trx)
  })
  faultPoint('recover.cleanup.consumed')
  await field.push()
  return { kind: 'done', detail: `'${input.secondaryName}' is archived` }
}

/** Once the promoted side may have taken writes, or apps were sent to the new home, nothing can be put back. */
export function isPastReturn(facts: RecoverFacts): boolean {
  return facts.isPromoted === true || facts.isForwardOnly === true
}

// Before the point of no return everything goes back as it was, under yet another epoch. After it there is only
// forward: the secondary is kept, and the same command carries on.
async function fail(deps: RecoveryDeps, context: StepContext, fault: Fault, end: EndOperation): Promise<void> {
  const { operation } = context
  const input = inputOf(operation)
  const facts = context.facts as RecoverFacts
  // Only what was left for apps that were offline: both services are free, and nothing is to be carried on.
  if (operation.steps.some(({ name, state }) => name === 'cleanup' && state === 'done')) {
    return await end(deps.db, { state: 'failed', next: `mainstay mobile verify ${subjectOf(operation)}` })
  }
  if (isPastReturn(facts)) {
    for (const step of operation.steps) if (step.state === 'failed') step.state = 'waiting'
    const next = `mainstay mobile recover ${subjectOf(operation)} ${input.secondaryName}`
    await end(deps.db, { state: 'needs_you', next })
    return
  }
  await deps.db.transaction().execute(async (trx) => {
    const epoch = await nextEpoch(trx)
    if (input.action === 'restore') await putBackRestored(trx, context, input)
    await updateHeld(trx, operation, { state: 'ready', ...input.from, epoch, operation_id: null })
    await updateHeld(trx, { id: operation.id, service_id: input.secondaryId }, { operation_id: null })
    await bumpDesired(trx)
    const next = fault.hint ?? `mainstay mobile show ${subjectOf(operation)}`
    await end(trx, { state: 'failed', next })
  })
  await deps.field.push()
}

function inputOf(operation: Operation): RecoverInput {
  // Written by beginRecover, whose type this is.
  return operation.input as RecoverInput
}

function wait(reason: string): StepResult {
  return notYet(reason, LOOK_AGAIN_MS)
}
