// What the original's tools ask of the subscription itself: regions, what it is registered for, and its database servers.
import { beginDeleteServer } from '../databases/delete-server.ts'
import { Fault } from '../kit/fault.ts'
import { listRegions } from '../regions/regions.ts'
import { isAloneOnOwnServer } from '../services/own-server.ts'
import { getServiceById } from '../services/services.ts'
import { untilEnded } from './outcome.ts'
import type { ProtocolRoutes } from './protocol.ts'
import { element, xmlDocument } from './xml.ts'

/** Below the subscription. */
export const subscriptionRoutes: ProtocolRoutes = async (app, deps) => {
  app.get('/services/mobileservices/regions', async () => {
    return (await listRegions(deps.db)).map(({ name }) => ({ region: name }))
  })

  // There is nothing to register for: every subscription has mobile services.
  app.put('/services', async (_request, reply) => await reply.code(200).send())

  for (const path of ['/services', '/services/']) {
    app.get(path, async (_request, reply) => {
      const service = element('Service', { inside: [element('Type', 'Mobileservice'), element('State', 'Registered')] })
      return reply.type('application/xml; charset=utf-8').send(xmlDocument('Services', [service]))
    })
  }

  app.delete<{ Params: { server: string } }>('/services/sqlservers/servers/:server', async (request, reply) => {
    const caller = deps.callerOf(request)
    const { server } = request.params
    try {
      const wanted = { name: server, isDataDropped: false }
      await untilEnded(deps, reply, caller, async () => await beginDeleteServer(deps.services, caller, wanted, null))
    } catch (error) {
      // It was made for one service, and is dropped together with that one's data, when these have been kept long enough.
      if (!(error instanceof Fault && error.code === 'server.holds_data' && (await isGivenUp(server)))) throw error
    }
    return await reply.code(200).send()
  })

  // With the data of its service; whose data lies there as well has not given up anything.
  async function isGivenUp(server: string): Promise<boolean> {
    const found = await deps.db.selectFrom('servers').select('made_for').where('name', '=', server).executeTakeFirst()
    if (!found?.made_for) return false
    const service = await getServiceById(deps.db, found.made_for)
    return service.drop_data_at !== null && (await isAloneOnOwnServer(deps.db, service))
  }
}
