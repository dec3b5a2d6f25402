// `recover` and `migrate` in the protocol: our recovery and our planned move, under the words of the original.
import type { FastifyReply } from 'fastify'
import type { Caller } from '../accounts/caller.ts'
import { viewServices } from '../control/views.ts'
import { Fault } from '../kit/fault.ts'
import { RECOVERY_AGAIN_MS } from '../kit/limits.ts'
import { getOperation, listOperations, type Operation } from '../operations/operations.ts'
import { beginRecover, type RecoverInput } from '../recovery/recover-begin.ts'
import { beginSwitchService } from '../recovery/switch-claim.ts'
import { findByName, getService } from '../services/services.ts'
import { outcomeOf, untilEnded } from './outcome.ts'
import { type ProtocolDeps, type ProtocolRoutes, serviceNameOf } from './protocol.ts'
import { beginNoted } from './recovery-rows.ts'

type Asked = { Querystring: { targetMobileService?: string; operationId?: string } }

/** Below a service. */
export const recoverRoutes: ProtocolRoutes = async (app, deps) => {
  app.post<Asked>('/recover', async (request, reply) => {
    const target = requireTarget(request.query.targetMobileService)
    await recover(deps, reply, deps.callerOf(request), { primary: serviceNameOf(request), secondary: target })
    return reply.code(200).send()
  })

  app.post<Asked>('/migrate', async (request, reply) => {
    const caller = deps.callerOf(request)
    const target = requireTarget(request.query.targetMobileService)
    const source = await getService(deps.db, caller.subscriptionId, serviceNameOf(request))
    await getService(deps.db, caller.subscriptionId, target)
    // Its secondary is one again, in the region that was left: the clean-up that follows is to leave it alone.
    const id = await beginNoted(deps.db, caller, { primary: source.name, secondary: target }, async () => {
      return await beginSwitchService(deps.recovery, caller, source.name, { to: target }, null)
    })
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
async function recover(deps: ProtocolDeps, reply: FastifyReply, caller: Caller, pair: Pair): Promise<void> {
  const { db } = deps
  const found = await findByName(db, caller.subscriptionId, pair.secondary)
  const earlier = await findEarlier(deps, caller, pair)
  // Asked again, after an answer that was lost: it is done, unless what it was for has died once more.
  if (earlier?.state === 'succeeded' && found === null && !(await isUnhealthy(deps, caller, pair.primary))) return
  const beginIt = async () => (earlier?.state === 'running' ? earlier.id : await begin(deps, caller, pair))
  await untilEnded(deps, reply, caller, async () => {
    return found ? await beginNoted(db, caller, pair, beginIt) : await beginIt()
  })
}

async function isUnhealthy(deps: ProtocolDeps, { subscriptionId }: Caller, name: string): Promise<boolean> {
  const [view] = await viewServices(deps.views, subscriptionId, await getService(deps.db, subscriptionId, name))
  return view?.health.state === 'Unhealthy'
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
