// What other machines may ask of a host through its door.
import type { FastifyInstance } from 'fastify'
import type { HostAssignment } from '../contract/assignment.ts'
import type { ProofRequest } from '../contract/facts.ts'
import type { HostCondition } from '../contract/host-condition.ts'
import type { LogQuery } from '../contract/service-log.ts'
import type { TableChange } from '../contract/table-change.ts'
import { bootMs } from '../kit/clock.ts'
import { peerOfRequest } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import { addBundleOrders } from './bundle-orders.ts'
import { addCheckOrders } from './check-orders.ts'
import { addContentsOrders } from './contents-orders.ts'
import { addExternalOrders } from './external-orders.ts'
import type { Host } from './host.ts'
import { Jobs } from './jobs.ts'
import type { LeaseAnswer } from './remote-leases.ts'
import { addVaultOrders } from './vault-orders.ts'

type TableOrder = { serviceId: string; change: TableChange }

const FOR_ALL = new Set(['/live'])
const FOR_HOSTS = new Set(['/proof', '/servers/:server/lease'])

/** Adds the routes. Only control gives orders; proof and leases are asked by other hosts. */
export function addOrdersRoutes(app: FastifyInstance, host: Host): void {
  app.addHook('onRequest', async (request) => {
    const { role } = peerOfRequest(request.raw.socket)
    // The route that matched, never the URL as sent: that may end in anything.
    const route = request.routeOptions.url ?? ''
    if (role === 'control' || FOR_ALL.has(route) || (role === 'host' && FOR_HOSTS.has(route))) return
    throw new Fault('orders.not_control', 403, `a ${role} may not give orders`)
  })
  app.get('/live', async () => ({}))
  app.get<{ Querystring: { when?: string } }>('/facts', async ({ query: { when } }) =>
    // Written by control, whose type this is.
    when === undefined ? await host.facts() : await host.factsWhen(JSON.parse(when) as HostCondition),
  )
  app.put<{ Body: HostAssignment }>('/assignment', async (request) => {
    await host.assign(request.body)
    return { version: host.version }
  })
  app.get<{ Params: { service: string } }>('/slow-reads/:service', async (request) =>
    host.slowReads(request.params.service),
  )
  app.post<{ Params: { service: string }; Body: LogQuery }>('/service-logs/:service', async (request) => {
    return await host.serviceLogs.read(request.params.service, request.body)
  })
  app.post<{ Body: ProofRequest }>('/proof', async (request) => {
    const { server } = request.body
    return host.getServer(server).proofs.answer(request.body)
  })
  app.get<{ Params: { server: string } }>('/servers/:server/lease', async (request): Promise<LeaseAnswer> => {
    const untilBootMs = host.getServer(request.params.server).lease.untilBootMs()
    return { remainingMs: untilBootMs === null ? null : Math.max(0, untilBootMs - bootMs()) }
  })
  app.post<{ Params: { server: string; schema: string; table: string }; Body: TableOrder }>(
    '/servers/:server/schemas/:schema/tables/:table/changes',
    async (request) => {
      const { server, schema, table } = request.params
      const { serviceId, change } = request.body
      return await host.getApps(server).changeTable({ schema, table, serviceId }, change)
    },
  )
  app.post<{ Params: { server: string } }>('/servers/:server/checkpoint', async (request) => {
    await host.getServer(request.params.server).server.checkpoint()
    return {}
  })
  const jobs = new Jobs()
  addBundleOrders(app, host, jobs)
  addVaultOrders(app, host, jobs)
  addContentsOrders(app, host)
  addCheckOrders(app, host, jobs)
  addExternalOrders(app, host)
  app.get<{ Params: { server: string; schema: string } }>(
    '/servers/:server/schemas/:schema/tables',
    async (request) => {
      return await host.getApps(request.params.server).describeTables(request.params.schema)
    },
  )
}
