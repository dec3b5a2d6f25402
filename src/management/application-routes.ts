// Applications in the protocol: a mobile service with its database and server, made and given up as one; and what
// became of that.
import { viewServices } from '../control/views.ts'
import { getServer } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { beginCreate } from '../services/create-service.ts'
import { beginDelete } from '../services/delete-service.ts'
import { findByName } from '../services/services.ts'
import { applicationXml } from './application.ts'
import { applicationNameOf, readSpecification, serviceOfApplication } from './create-specification.ts'
import { answerLater, findOutcome } from './outcome.ts'
import type { ProtocolRoutes } from './protocol.ts'
import { decideCleanUp } from './recovery.ts'
import { findRecovery } from './recovery-rows.ts'
import { subscriptionLink } from './self-link.ts'
import { element, xmlDocument } from './xml.ts'

/** Below the subscription. */
export const applicationRoutes: ProtocolRoutes = async (app, deps) => {
  app.post('/applications', async (request, reply) => {
    const caller = deps.callerOf(request)
    await answerLater(
      deps,
      reply,
      caller,
      await beginCreate(deps.services, caller, readSpecification(request.body), null),
    )
    return reply
  })

  app.get<{ Params: { application: string } }>('/applications/:application', async (request, reply) => {
    const { subscriptionId } = deps.callerOf(request)
    const name = serviceOfApplication(request.params.application)
    const service = name === null ? null : await findByName(deps.db, subscriptionId, name)
    const [view] = service ? await viewServices(deps.views, subscriptionId, service) : []
    if (!service || !view) throw new Fault('service.unknown', 404, 'The application name was not found.')
    const server = await getServer(deps.db, service.server)
    const isOwn = server.made_for === service.id
    return reply.type('application/xml; charset=utf-8').send(
      applicationXml(subscriptionLink(deps, request), {
        ...{ application: applicationNameOf(view.name), service: view.name, state: view.health.state },
        ...{ message: view.health.message ?? null, schema: service.schema_name, server: server.name, isOwn },
      }),
    )
  })

  app.delete<{ Params: { application: string } }>('/applications/:application', async (request, reply) => {
    const caller = deps.callerOf(request)
    const name = serviceOfApplication(request.params.application)
    const service = name === null ? null : await findByName(deps.db, caller.subscriptionId, name)
    const recovery = name === null ? null : await findRecovery(deps.db, caller, name)
    const primary = recovery && (await findByName(deps.db, caller.subscriptionId, recovery.primary))
    const isStandby = primary !== null && service?.secondary_for === primary.id
    const decided = decideCleanUp({ isLiving: service !== null, isStandby, recovery, nowMs: Date.now() })
    if (decided.kind === 'refused') throw decided.fault
    const wanted = { name: service?.name ?? '', isDataDropped: false }
    const id = decided.kind === 'delete' ? await beginDelete(deps.services, caller, wanted, null) : null
    await answerLater(deps, reply, caller, id)
    return reply
  })

  app.get<{ Params: { request: string } }>('/operations/:request', async (request, reply) => {
    const { request: id } = request.params
    const { status, message } = await findOutcome(deps, deps.callerOf(request), id)
    const hasFailed = status === 'Failed'
    const error = [element('Code', 'Failed'), element('Message', message ?? '')]
    return reply
      .type('application/xml; charset=utf-8')
      .send(
        xmlDocument('Operation', [
          element('ID', id.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')),
          element('Status', status),
          ...(status === 'InProgress' ? [] : [element('HttpStatusCode', hasFailed ? '409' : '200')]),
          ...(hasFailed ? [element('Error', { inside: error })] : []),
        ]),
      )
  })
}
