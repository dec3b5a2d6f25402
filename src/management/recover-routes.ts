// `recover` and `migrate` in the protocol: our recovery and our planned move, under the words of the original.
import type { Caller } from '../accounts/caller.ts'
import { Fault } from '../kit/fault.ts'
import { RECOVERY_AGAIN_MS } from '../kit/limits.ts'
import { getOperation, listOperations, type Operation } from '../operations/operations.ts'
import { beginRecover, type RecoverInput } from '../recovery/recover-begin.ts'
import { beginSwitchService } from '../recovery/switch-claim.ts'
import { findByName, getService } from '../services/services.ts'
import { outcomeOf, untilEnded } from './outcome.ts'
import { type ProtocolDeps, type ProtocolRoutes, serviceNameOf } from './protocol.ts'
import { noteRecovery } from './recovery-rows.ts'

type Asked = { Querystring: { targetMobileService?: string; operationId?: string } }

/** Below a service. */
export const recoverRoutes: ProtocolRoutes = async (app, deps) => {
  app.post<Asked>('/recover', async (request, reply) => {
    const target = requireTarget(request.query.targetMobileService)
    await recover(deps, deps.callerOf(request), { primary: serviceNameOf(request), secondary: target })
    return reply.code(200).send()
  })

  app.post<Asked>('/migrate', async (request, reply) => {
    const caller = deps.callerOf(request)
    const target = requireTarget(request.query.targetMobileService)
    const source = await getService(deps.db, caller.subscriptionId, serviceNameOf(request))
    await getService(deps.db, caller.subscriptionId, target)
    const id = await beginSwitchService(deps.recovery, caller, source.name, { to: target }, null)
    // Its secondary is one again, in the region that was left: the clean-up that follows is to leave it alone.
    await noteRecovery(deps.db, caller, target, { primary: source.name, state: 'running', operationId: id })
    await deps.started(caller, id)
    return reply.type('text/plain; charset=utf-8').send(id)
  })

  app.get<Asked>('/migrate', async (request, reply) => {
    const { operationId = '' } = request.query
    const { subscriptionId } = deps.callerOf(request)
    const operation = await getOperation(deps.db, subscriptionId, operationId.toLowerCase())
    const isOfService = operation.service_name?.toLowerCase() === serviceNameOf(request).toLowerCase()
    if (operation.kind !== 'switchover' || !isOfService) {
      throw new Fault('operation.unknown', 404, `there is no migration ${operationId}`)
    }
    const words = { InProgress: 'Running', Succeeded: 'Completed', Failed: 'Failed' }
    return reply.type('text/plain; charset=utf-8').send(words[outcomeOf(operation).status])
  })
}

type Pair = { primary: string; secondary: string }

// All of it before the answer: fence, data, routes, proof, and the secondary given up.
async function recover(deps: ProtocolDeps, caller: Caller, pair: Pair): Promise<void> {
  const { db } = deps
  const found = await findByName(db, caller.subscriptionId, pair.secondary)
  const earlier = await findEarlier(deps, caller, pair)
  // Asked again, after an answer that was lost: it is done.
  if (earlier?.state === 'succeeded' && found === null) return
  const note = async (state: 'running' | 'failed', operationId: string | null) => {
    if (found) await noteRecovery(db, caller, found.name, { primary: pair.primary, state, operationId })
  }
  let operationId = earlier?.state === 'running' ? earlier.id : null
  if (operationId === null) {
    await note('running', null)
    try {
      operationId = await begin(deps, caller, pair)
    } catch (error) {
      await note('failed', null)
      throw error
    }
  }
  await note('running', operationId)
  await untilEnded(deps, caller, operationId)
}

// One that somebody else has begun just now is the one that is meant.
async function begin(deps: ProtocolDeps, caller: Caller, pair: Pair): Promise<string> {
  try {
    const { operationId } = await beginRecover(deps.recovery, caller, pair.primary, { secondary: pair.secondary }, null)
    if (operationId === null) throw new TypeError('a recovery that is no dry run has an operation')
    return operationId
  } catch (error) {
    const meanwhile = await findEarlier(deps, caller, pair)
    if (meanwhile?.state === 'running') return meanwhile.id
    throw error
  }
}

async function findEarlier(
  { db }: ProtocolDeps,
  caller: Caller,
  { primary, secondary }: Pair,
): Promise<Operation | null> {
  const recent = await listOperations(db, caller.subscriptionId, { service: primary, limit: 20 })
  const sinceMs = Date.now() - RECOVERY_AGAIN_MS
  const [last] = recent.filter(({ kind }) => kind === 'recover')
  const used = (last?.input as Partial<RecoverInput> | undefined)?.secondaryName?.toLowerCase()
  if (!last || used !== secondary.toLowerCase()) return null
  return (last.finished_at ?? last.started_at).getTime() > sinceMs || last.state === 'running' ? last : null
}

function requireTarget(target: string | undefined): string {
  if (target) return target
  throw new Fault('recovery.no_target', 400, 'the request names no targetMobileService, whose capacity it is to use')
}
