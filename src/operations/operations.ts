// Operations as rows: a long change is written before it is begun, and whoever holds the row carries it on.
import { type Kysely, type Selectable, sql } from 'kysely'
import type { FaultView, OperationView, RecoveryPlanView, RecoveryReportView } from '../contract/api.ts'
import type { ControlDatabase, OperationState, StoredStep } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { OPERATION_LEASE_MS } from '../kit/limits.ts'

export type Operation = Selectable<ControlDatabase['operations']>

/** What an operation is about; at least one of the two. */
export type Subject = { service?: { id: string; name: string }; server?: string }

export type NewOperation = {
  kind: OperationView['kind']
  caller: { subscriptionId: string; principal: string }
  subject: Subject
  input: Record<string, unknown>
  facts?: Record<string, unknown>
  plan?: RecoveryPlanView | null
  steps: { name: string; sentence: string }[]
  idempotencyKey: string | null
}

export type OperationChange = {
  state?: OperationState
  steps?: StoredStep[]
  facts?: Record<string, unknown>
  error?: FaultView | null
  report?: RecoveryReportView
  next?: string | null
}

type Db = Kysely<ControlDatabase>

/** Writes a new operation inside the caller's transaction and returns its id. */
export async function insertOperation(trx: Db, wanted: NewOperation): Promise<string> {
  const id = randomId(16)
  const steps: StoredStep[] = wanted.steps.map((step) => ({
    ...step,
    state: 'waiting',
    attempts: 0,
    startedAt: null,
    ms: null,
    detail: null,
  }))
  await trx
    .insertInto('operations')
    .values({
      id,
      subscription_id: wanted.caller.subscriptionId,
      principal: wanted.caller.principal,
      kind: wanted.kind,
      service_id: wanted.subject.service?.id ?? null,
      service_name: wanted.subject.service?.name ?? null,
      server: wanted.subject.server ?? null,
      state: 'running',
      input: JSON.stringify(wanted.input),
      plan: wanted.plan ? JSON.stringify(wanted.plan) : null,
      steps: JSON.stringify(steps),
      facts: JSON.stringify(wanted.facts ?? {}),
      error: null,
      report: null,
      next: null,
      idempotency_key: wanted.idempotencyKey,
      holder: null,
    })
    .execute()
  return id
}

/** The id of the service that an operation is about; a mistake of ours when it is about none. */
export function serviceIdOf(operation: Pick<Operation, 'id' | 'service_id'>): string {
  if (operation.service_id === null) throw new TypeError(`operation ${operation.id} is about no service`)
  return operation.service_id
}

/** The name of the server that an operation is about; a mistake of ours when it is about none. */
export function serverOf(operation: Pick<Operation, 'id' | 'server'>): string {
  if (operation.server === null) throw new TypeError(`operation ${operation.id} is about no server`)
  return operation.server
}

/** What an operation is about, in a word for people. */
export function subjectOf(operation: Pick<Operation, 'service_name' | 'server'>): string {
  return operation.service_name ?? operation.server ?? ''
}

/**
 * Begins an operation at most once for a key: whoever comes second is given what the first began, also when both come
 * at the same moment. Then the second is refused, for the name that is taken by now, say, or by the index of keys.
 */
export async function beginOnce<T>(
  db: Db,
  asked: { subscriptionId: string; key: string | null },
  steps: { begin: () => Promise<T>; again: (earlier: Operation) => T },
): Promise<T> {
  const find = async () => await findByIdempotencyKey(db, asked.subscriptionId, asked.key)
  const earlier = await find()
  if (earlier) return steps.again(earlier)
  try {
    return await steps.begin()
  } catch (error) {
    const meanwhile = await find()
    if (meanwhile) return steps.again(meanwhile)
    throw error
  }
}

/** The operation that an earlier call with the same key began, or null. */
async function findByIdempotencyKey(db: Db, subscriptionId: string, key: string | null): Promise<Operation | null> {
  if (key === null) return null
  const found = await db
    .selectFrom('operations')
    .selectAll()
    .where('subscription_id', '=', subscriptionId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst()
  return found ?? null
}

/** The operation of that id in the subscription. Faults with `operation.unknown`. */
export async function getOperation(db: Db, subscriptionId: string, id: string): Promise<Operation> {
  const found = await db
    .selectFrom('operations')
    .selectAll()
    .where('id', '=', id)
    .where('subscription_id', '=', subscriptionId)
    .executeTakeFirst()
  if (!found) throw new Fault('operation.unknown', 404, `there is no operation ${id}`)
  return found
}

/** Operations of a subscription, newest first; of one service or server where it is named. */
export async function listOperations(
  db: Db,
  subscriptionId: string,
  wanted: { service?: string | undefined; server?: string | undefined; limit: number },
): Promise<Operation[]> {
  const all = db.selectFrom('operations').selectAll().where('subscription_id', '=', subscriptionId)
  const { service, server } = wanted
  const ofService = service === undefined ? all : all.where(sql`lower(service_name)`, '=', service.toLowerCase())
  const some = server === undefined ? ofService : ofService.where('server', '=', server)
  return await some.orderBy('started_at', 'desc').orderBy('id').limit(wanted.limit).execute()
}

/** Takes one running operation of these kinds that nobody holds, or null: those of a newer release are left to it. */
export async function claimOperation(db: Db, holder: string, kinds: string[]): Promise<Operation | null> {
  const free = db
    .selectFrom('operations')
    .select('id')
    .where('state', '=', 'running')
    .where(sql<string>`kind`, 'in', kinds)
    .where((where) => where.or([where('held_until', 'is', null), where('held_until', '<', sql<Date>`now()`)]))
    .orderBy('started_at')
    .limit(1)
    .forUpdate()
    .skipLocked()
  const found = await db
    .updateTable('operations')
    .set({ holder, held_until: leaseEnd() })
    .where('id', 'in', free)
    .returningAll()
    .executeTakeFirst()
  return found ?? null
}

/** Holds on to an operation for another while. Faults with `operation.taken_over`. */
export async function renewOperation(db: Db, id: string, holder: string): Promise<void> {
  const done = await db
    .updateTable('operations')
    .set({ held_until: leaseEnd() })
    .where('id', '=', id)
    .where('holder', '=', holder)
    .where('state', '=', 'running')
    .executeTakeFirst()
  if (done.numUpdatedRows === 0n) throw takenOver(id)
}

/** Writes progress, as its holder. Faults with `operation.taken_over` when somebody else holds it by now. */
export async function saveOperation(db: Db, id: string, holder: string, change: OperationChange): Promise<void> {
  const isFinal = change.state !== undefined && change.state !== 'running'
  const done = await db
    .updateTable('operations')
    .set((eb) => ({
      revision: eb('revision', '+', 1),
      held_until: isFinal ? null : leaseEnd(),
      ...(change.state ? { state: change.state } : {}),
      ...(change.steps ? { steps: JSON.stringify(change.steps) } : {}),
      ...(change.facts ? { facts: JSON.stringify(change.facts) } : {}),
      ...(change.error !== undefined ? { error: change.error ? JSON.stringify(change.error) : null } : {}),
      ...(change.report ? { report: JSON.stringify(change.report) } : {}),
      ...(change.next !== undefined ? { next: change.next } : {}),
      ...(isFinal ? { finished_at: sql<Date>`now()` } : {}),
    }))
    .where('id', '=', id)
    .where('holder', '=', holder)
    .where('state', '=', 'running')
    .executeTakeFirst()
  if (done.numUpdatedRows === 0n) throw takenOver(id)
}

/** Notes what a step has just made true, in the transaction that made it true. */
export async function noteFacts(trx: Db, id: string, facts: Record<string, unknown>): Promise<void> {
  await trx
    .updateTable('operations')
    .set({ facts: JSON.stringify(facts) })
    .where('id', '=', id)
    .execute()
}

/** The operation as the API shows it. */
export function viewOperation(row: Operation): OperationView {
  return {
    id: row.id,
    kind: row.kind,
    service: row.service_name,
    server: row.server,
    state: row.state,
    revision: row.revision,
    principal: row.principal,
    steps: row.steps,
    error: row.error,
    plan: row.plan,
    report: row.report,
    next: row.next,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  }
}

function leaseEnd() {
  return sql<Date>`now() + make_interval(secs => ${OPERATION_LEASE_MS / 1000})`
}

function takenOver(id: string): Fault {
  return new Fault('operation.taken_over', 409, `another control process carries operation ${id} on`)
}
