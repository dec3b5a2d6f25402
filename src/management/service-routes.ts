// Mobile services in the protocol: all of them, one, its keys, its size, a restart.
import type { FastifyRequest } from 'fastify'
import { viewFor, viewServices } from '../control/views.ts'
import { Fault } from '../kit/fault.ts'
import { beginDelete } from '../services/delete-service.ts'
import { getService } from '../services/services.ts'
import { changeKey, restartService } from '../services/settings.ts'
import { untilEnded } from './outcome.ts'
import { MOBILE_SERVICES, type ProtocolDeps, type ProtocolRoutes, serviceNameOf } from './protocol.ts'
import { servicesLink } from './self-link.ts'
import { serviceObjectOf } from './service-object.ts'

/** Below the subscription. */
export const listRoutes: ProtocolRoutes = async (app, deps) => {
  app.get(MOBILE_SERVICES, async (request) => {
    const { subscriptionId, role } = deps.callerOf(request)
    const views = await viewServices(deps.views, subscriptionId)
    return views.map((view) => serviceObjectOf(servicesLink(deps, request), viewFor(role, view)))
  })
}

/** Below a service. */
export const serviceRoutes: ProtocolRoutes = async (app, deps) => {
  app.get('', async (request) => {
    const { subscriptionId, role } = deps.callerOf(request)
    const service = await getService(deps.db, subscriptionId, serviceNameOf(request))
    const [view] = await viewServices(deps.views, subscriptionId, service)
    if (!view) throw new Fault('service.unknown', 404, `there is no mobile service '${service.name}'`)
    return serviceObjectOf(servicesLink(deps, request), viewFor(role, view))
  })

  app.delete<{ Querystring: { deletedata?: string } }>('', async (request, reply) => {
    const caller = deps.callerOf(request)
    const isDataDropped = request.query.deletedata?.toLowerCase() === 'true'
    const wanted = { name: serviceNameOf(request), isDataDropped }
    await untilEnded(deps, reply, caller, async () => await beginDelete(deps.services, caller, wanted, null))
    return reply.code(204).send()
  })

  app.post<{ Querystring: { type?: string } }>('/regenerateKey', async (request) => {
    return await setKey(deps, request, request.query.type, undefined)
  })

  app.put('/keys', async (request) => {
    const { Type, Value } = (request.body ?? {}) as { Type?: unknown; Value?: unknown }
    if (typeof Value !== 'string') throw new Fault('service.bad_key', 400, 'the body names no Value')
    return await setKey(deps, request, Type, Value)
  })

  // There is nothing that a redeployment would bring anew but a restart.
  for (const verb of ['restart', 'redeploy']) {
    app.post(`/${verb}`, async (request, reply) => {
      await restartService(deps.services, deps.callerOf(request), serviceNameOf(request))
      return reply.code(200).send()
    })
  }
}

async function setKey(deps: ProtocolDeps, request: FastifyRequest, type: unknown, value: string | undefined) {
  if (type !== 'application' && type !== 'master') {
    throw new Fault('service.bad_key', 400, "a key is 'application' or 'master'")
  }
  const made = await changeKey(deps.services, deps.callerOf(request), serviceNameOf(request), { type, value })
  return { [`${type}Key`]: made.value }
}
