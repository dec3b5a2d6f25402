// Orders about what a server holds of one service: looking, its stamps, stamping rows anew; and how far others are.
import type { FastifyInstance } from 'fastify'
import type {
  ContentsRequest,
  RaiseStampsAnswer,
  RaiseStampsRequest,
  RestampAnswer,
  RestampRequest,
  RoundTripAnswer,
  RoundTripRequest,
  ServiceContents,
} from '../contract/service-contents.ts'
import { raiseStampsAbove, readContents, restampRows } from '../databases/service-contents.ts'
import type { Host } from './host.ts'

type Params = { server: string }

/** Adds the routes; who may order is decided by who adds them. */
export function addContentsOrders(app: FastifyInstance, host: Host): void {
  const serverOf = ({ server }: Params) => host.getServer(server).server

  app.post<{ Params: Params; Body: ContentsRequest }>(
    '/servers/:server/contents',
    async ({ params, body }): Promise<ServiceContents> =>
      await serverOf(params).withApps(async (client) => await readContents(client, body)),
  )
  app.post<{ Params: Params; Body: RaiseStampsRequest }>(
    '/servers/:server/stamps',
    async ({ params, body }): Promise<RaiseStampsAnswer> => ({
      stampMs: await serverOf(params).withApps(async (client) => await raiseStampsAbove(client, body.aboveMs)),
    }),
  )
  app.post<{ Params: Params; Body: RestampRequest }>(
    '/servers/:server/restamp',
    async ({ params, body }): Promise<RestampAnswer> =>
      await serverOf(params).withApps(async (client) => await restampRows(client, body)),
  )
  app.post<{ Body: RoundTripRequest }>(
    '/round-trips',
    async ({ body }): Promise<RoundTripAnswer> => ({
      ms: await host.roundTrip(body.to),
    }),
  )
}
