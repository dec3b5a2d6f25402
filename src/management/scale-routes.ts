// The size of a service in the protocol: tiers there, modes here.
import type { FastifyRequest } from 'fastify'
import { Fault } from '../kit/fault.ts'
import { beginScale } from '../services/scale-service.ts'
import { getService } from '../services/services.ts'
import { etagOf, requireMatch } from './etag.ts'
import { untilEnded } from './outcome.ts'
import { isOlderDialect, type ProtocolRoutes, serviceNameOf } from './protocol.ts'
import { type Size, sizeOf, tierOf } from './tier.ts'

/** Below a service. */
export const scaleRoutes: ProtocolRoutes = async (app, deps) => {
  const shown = async (request: FastifyRequest) => {
    const { subscriptionId } = deps.callerOf(request)
    const { mode, units } = await getService(deps.db, subscriptionId, serviceNameOf(request))
    return { tier: tierOf(mode, { isOlder: isOlderDialect(request) }), numberOfInstances: units }
  }

  app.get('/scalesettings', async (request, reply) => {
    const settings = await shown(request)
    return reply.header('etag', etagOf(settings)).send(settings)
  })

  app.put('/scalesettings', async (request, reply) => {
    const caller = deps.callerOf(request)
    requireMatch(request.headers, await shown(request))
    const wanted: Size = sizeOf((request.body ?? {}) as Record<string, unknown>)
    const { mode, units, name } = await getService(deps.db, caller.subscriptionId, serviceNameOf(request))
    if (mode !== wanted.mode || units !== wanted.units) {
      await untilEnded(deps, reply, caller, async () => {
        const begun = await beginScale(deps.services, caller, name, wanted, null)
        if (begun.kind !== 'begun') throw new Fault('http.refused', 400, 'this scales nothing')
        return begun.operationId
      })
    }
    return await shown(request)
  })
}
