// What became of something long: for tools that ask by the id of their request, and for those that wait for the answer.
import type { FastifyReply } from 'fastify'
import { sql } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { PROTOCOL_OUTCOME_KEEP_MS, PROTOCOL_WAIT_MS_MAX } from '../kit/limits.ts'
import { getOperation, type Operation, subjectOf } from '../operations/operations.ts'
import { type ProtocolDeps, TOOL_REQUEST_ID_HEADER } from './protocol.ts'
import { lookAgainMs } from './waiters.ts'

export type Outcome = { status: 'InProgress' | 'Succeeded' | 'Failed'; message: string | null }

/** Notes under the id of this request what its outcome is that of; null: of nothing, it is done. Answers 202. */
export async function answerLater(
  deps: ProtocolDeps,
  reply: FastifyReply,
  caller: Caller,
  operationId: string | null,
): Promise<void> {
  const id = String(reply.getHeader(TOOL_REQUEST_ID_HEADER))
  const { subscriptionId: subscription_id } = caller
  const old = sql<Date>`now() - make_interval(secs => ${PROTOCOL_OUTCOME_KEEP_MS / 1_000})`
  await deps.db.deleteFrom('management_requests').where('created_at', '<', old).execute()
  await deps.db.insertInto('management_requests').values({ id, subscription_id, operation_id: operationId }).execute()
  if (operationId !== null) await deps.started(caller, operationId)
  await reply.code(202).send()
}

/** The outcome of an earlier request of this subscription. Faults with `operation.unknown`. */
export async function findOutcome({ db }: ProtocolDeps, caller: Caller, requestId: string): Promise<Outcome> {
  const found = await db
    .selectFrom('management_requests')
    .select('operation_id')
    .where('id', '=', requestId.toLowerCase())
    .where('subscription_id', '=', caller.subscriptionId)
    .executeTakeFirst()
  if (!found) throw new Fault('operation.unknown', 404, `there is no operation ${requestId}`)
  if (found.operation_id === null) return { status: 'Succeeded', message: null }
  return outcomeOf(await getOperation(db, caller.subscriptionId, found.operation_id))
}

/** How an operation is told to tools; one that waits for a person has failed, as far as they are concerned. */
export function outcomeOf({ state, error, next }: Pick<Operation, 'state' | 'error' | 'next'>): Outcome {
  switch (state) {
    case 'running':
      return { status: 'InProgress', message: null }
    case 'succeeded':
      return { status: 'Succeeded', message: null }
    case 'failed':
    case 'needs_you':
      return { status: 'Failed', message: [error?.message ?? 'it failed', next].filter(Boolean).join('. Next: ') }
  }
}

/**
 * Begins an operation, sets it going and waits until it has ended: tools that wait have no time limit. Faults when it
 * failed, and with `http.too_many_requests` before it is begun.
 */
export async function untilEnded(
  deps: ProtocolDeps,
  reply: FastifyReply,
  caller: Caller,
  begin: () => Promise<string>,
): Promise<void> {
  await deps.waiters.hold(`${caller.subscriptionId} ${caller.principal}`, async () => {
    const operationId = await begin()
    await deps.started(caller, operationId)
    const sinceMs = Date.now()
    for (;;) {
      const operation = await getOperation(deps.db, caller.subscriptionId, operationId)
      const { status, message } = outcomeOf(operation)
      if (status === 'Succeeded') return
      if (status === 'Failed') {
        throw new Fault('operation.failed', 409, `${operation.kind} of '${subjectOf(operation)}' failed: ${message}`)
      }
      const waitedMs = Date.now() - sinceMs
      // Of whom has gone nobody reads the answer.
      if (waitedMs > PROTOCOL_WAIT_MS_MAX || reply.raw.destroyed) {
        throw new Fault('operation.takes_long', 503, `${operation.kind} of '${subjectOf(operation)}' goes on`, {
          hint: `Watch it: mainstay operation show ${operationId}`,
        })
      }
      await pause(lookAgainMs(waitedMs))
    }
  })
}
