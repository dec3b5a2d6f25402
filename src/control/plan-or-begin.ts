// How a route answers for a change that takes long: with what it would do, or with the operation that it began.
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../accounts/caller.ts'
import { DryRunView, OperationView } from '../contract/api.ts'
import type { ApiDeps } from './compose.ts'
import { keyOf } from './request-key.ts'

/** The answers of such a route, by status. */
export const PLANNED_OR_BEGUN = { 200: DryRunView, 202: OperationView }

type Change = {
  /** As it was asked. */
  isDryRun: boolean | undefined
  plan: (caller: Caller) => Promise<DryRunView>
  /** Answers the operation's id; the key makes one of it however often it is sent. */
  begin: (caller: Caller, key: string | null) => Promise<string>
}

/** Plans where that was asked for, else begins. */
export async function planOrBegin(
  deps: ApiDeps,
  request: FastifyRequest,
  reply: { code: (status: 202) => unknown },
  { isDryRun, plan, begin }: Change,
): Promise<DryRunView | OperationView> {
  const caller = deps.callerOf(request)
  if (isDryRun === true) return await plan(caller)
  const id = await begin(caller, keyOf(request.headers))
  reply.code(202)
  return await deps.started(caller, id)
}
