// Preflight and claim of a recovery: one transaction with the operation's row, or a refusal that changed nothing.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { RecoverRequest, RecoveryPlanView } from '../contract/api.ts'
import type { DatabaseAction } from '../contract/recovery.ts'
import { getServer, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { beginOnce, insertOperation } from '../operations/operations.ts'
import { findRoom } from '../regions/ledger.ts'
import { bumpDesired, listMachines, lockRegion, nextEpoch } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { getService, listHoldings, lockServices, type Service } from '../services/services.ts'
import { decideAction, type PlanFacts, planRecovery, type Wish } from './plan.ts'
import { gatherFacts, lastReport, type RecoveryDeps } from './recover-facts.ts'
import { outlineRestore, type RestoreInput } from './recover-restore.ts'

/** What later steps need to know of the claim; kept in the operation's row. */
export type RecoverInput = {
  secondaryId: string
  secondaryName: string
  from: { region: string; machine: string }
  to: { region: string; machine: string }
  server: string
  epoch: number
  /** Of the service on that server. */
  schema?: string
  action: DatabaseAction
  restore?: RestoreInput | null
  lastReport: { lsn: string; lagMs: number | null } | null
  /** Every write that was acknowledged had waited for the standby that is promoted. */
  isSynchronous?: boolean
}

export type Begun = { plan: RecoveryPlanView; operationId: string | null }

/** Plans a recovery and, unless it is a dry run, claims it. */
export async function beginRecover(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  request: RecoverRequest,
  idempotencyKey: string | null,
): Promise<Begun> {
  return await beginOnce(
    deps.db,
    { subscriptionId: caller.subscriptionId, key: idempotencyKey },
    {
      begin: async () => await claimRecover(deps, caller, name, request, idempotencyKey),
      again({ id, kind, plan }) {
        if (plan) return { plan, operationId: id }
        throw new Fault('operation.other_kind', 409, `this idempotency key began the operation ${id}, a ${kind}`, {
          hint: 'Take a new key for each thing that you ask for.',
        })
      },
    },
  )
}

async function claimRecover(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  request: RecoverRequest,
  idempotencyKey: string | null,
): Promise<Begun> {
  const named = {
    primary: await getService(deps.db, caller.subscriptionId, name),
    secondary: await getService(deps.db, caller.subscriptionId, request.secondary),
  }
  await deps.field.settle()
  const wish = wishOf(request)
  const restore = await restoreFor(deps, named, { wish, isForced: request.isForced === true })
  return await deps.db.transaction().execute(async (trx) => {
    const locked = await lockServices(trx, [named.primary.id, named.secondary.id])
    const primary = requireLocked(locked, named.primary)
    const secondary = requireLocked(locked, named.secondary)
    const stopped = await findStopped(trx, primary, secondary)
    if (stopped) {
      if (request.isDryRun === true) return { plan: stopped.plan, operationId: null }
      await trx
        .updateTable('operations')
        .set({ state: 'running', error: null, held_until: null, finished_at: null })
        .where('id', '=', stopped.operationId)
        .execute()
      return stopped
    }
    const asked = { isForced: request.isForced === true, wish, restore: restore?.facts ?? null }
    const facts = await gatherFacts(trx, deps, { primary, secondary, ...asked })
    if (restore === null && decideAction(facts) === 'restore') throw planChanged(facts.server.name, 'restore')
    const plan = planRecovery(facts)
    if (request.isDryRun === true) return { plan, operationId: null }
    requireSamePlan(plan, request)
    const server = await getServer(trx, primary.server)
    // The data goes where its standby is; the service goes where its secondary stands.
    const machine = await findTarget(trx, deps, primary, secondary)
    const report = lastReport(deps.board, server)
    const input: RecoverInput = {
      secondaryId: secondary.id,
      secondaryName: secondary.name,
      from: { region: primary.region, machine: primary.machine },
      to: { region: secondary.region, machine },
      server: server.name,
      schema: primary.schema_name,
      epoch: await nextEpoch(trx),
      action: plan.database.action,
      lastReport: report && { lsn: report.lsn, lagMs: report.lagMs },
      isSynchronous: facts.server.standby?.isSynchronous === true,
      restore:
        plan.database.action === 'restore' && restore?.input
          ? { ...restore.input, isAlive: facts.server.isAlive, seenMs: seenMs(facts) }
          : null,
    }
    const operationId = await insertOperation(trx, {
      kind: 'recover',
      caller,
      subject: { service: { id: primary.id, name: primary.name }, server: server.name },
      input,
      facts: { oldPrimaryMachine: primaryOf(server).machine },
      plan,
      steps: plan.steps,
      idempotencyKey,
    })
    await trx
      .updateTable('services')
      .set({ state: 'recovering', operation_id: operationId })
      .where('id', '=', primary.id)
      .execute()
    await trx.updateTable('services').set({ operation_id: operationId }).where('id', '=', secondary.id).execute()
    const before = { region: plan.fromRegion }
    const after = { region: plan.toRegion, secondary: secondary.name, isForced: request.isForced === true }
    await audit(trx, caller, { action: 'mobile recover', subject: primary.name, before, after, operationId })
    await bumpDesired(trx)
    return { plan, operationId }
  })
}

// A service stands on its secondary's capacity, and so on the secondary's host. A shared one does not stand on the units of
// a reserved secondary: it takes a slot of its own in that region, from the start.
async function findTarget(trx: RecoveryDeps['db'], deps: RecoveryDeps, primary: Service, secondary: Service) {
  if (primary.mode === secondary.mode) return secondary.machine
  const region = await lockRegion(trx, secondary.region)
  const size = { mode: primary.mode, units: primary.units }
  return findRoom(roomOf(region, await listMachines(trx), deps.field), await listHoldings(trx), size)
}

// Between the look and the yes a database may have died, or come back: what it costs is then another question.
function requireSamePlan(plan: RecoveryPlanView, request: RecoverRequest): void {
  const { action, server } = plan.database
  if (request.expectedAction === undefined || request.expectedAction === action) return
  throw planChanged(server, action)
}

const NOW = {
  keep: 'alive and would be kept',
  promote: 'lost and its standby would be promoted',
  restore: 'lost and would be restored from its backups',
}

function planChanged(server: string, action: DatabaseAction): Fault {
  return new Fault('recovery.plan_changed', 409, `the plan has changed meanwhile: ${server} is ${NOW[action]}`, {
    hint: 'Give the same command again and look at the new plan.',
  })
}

function wishOf({ database, to, acceptedLossMs }: RecoverRequest): Wish {
  return { database: database ?? null, target: to ?? null, acceptedLossMs }
}

// The vault is asked only where something is to be restored: it may be far away, or gone.
async function restoreFor(
  deps: RecoveryDeps,
  parties: { primary: Service; secondary: Service },
  asked: { wish: Wish; isForced: boolean },
) {
  const facts = await gatherFacts(deps.db, deps, { ...parties, ...asked, restore: null })
  // A recovery that was begun already is carried on as it was planned.
  if (parties.primary.operation_id !== null || decideAction(facts) !== 'restore') return null
  const { regionName } = facts.secondary
  return await outlineRestore(deps, { ...parties, regionName }, asked.wish)
}

// When the lost server was last known to take writes, by control's clock; null when it never reported.
function seenMs({ server, nowMs }: PlanFacts): number | null {
  if (server.isAlive) return nowMs
  return server.lastReport && nowMs - server.lastReport.ageMs
}

function requireLocked(locked: Service[], named: Service): Service {
  const found = locked.find((service) => service.id === named.id)
  if (!found) throw new Fault('service.unknown', 404, `there is no mobile service '${named.name}' any more`)
  return found
}

// A recovery of just these two that stopped after the point of no return: the same command carries it on.
async function findStopped(trx: RecoveryDeps['db'], primary: Service, secondary: Service): Promise<Begun | null> {
  if (primary.operation_id === null || primary.operation_id !== secondary.operation_id) return null
  const found = await trx
    .selectFrom('operations')
    .select(['id', 'plan', 'state'])
    .where('id', '=', primary.operation_id)
    .executeTakeFirst()
  if (found?.state !== 'needs_you' || !found.plan) return null
  return { plan: found.plan, operationId: found.id }
}
