// Orders about what a server holds of one service: looking, its stamps, its rows in and out; and how far others are.
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
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
import { type ImportedRows, LINES_TYPE } from '../contract/service-export.ts'
import { raiseIdentitiesAbove } from '../databases/identities.ts'
import { readContents, restampRows } from '../databases/service-contents.ts'
import { exportRows } from '../databases/service-export.ts'
import { type ImportedTable, importRows } from '../databases/service-import.ts'
import { raiseStampsAbove } from '../databases/stamps.ts'
import { EXPORT_LINE_BYTES_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import type { AppsDatabase } from './apps-database.ts'
import type { Host } from './host.ts'

type Params = { server: string }

/** Adds the routes; who may order is decided by who adds them. */
export function addContentsOrders(app: FastifyInstance, host: Host): void {
  const appsOf = ({ server }: Params) => host.getApps(server)

  app.post<{ Params: Params; Body: ContentsRequest }>(
    '/servers/:server/contents',
    async ({ params, body }): Promise<ServiceContents> =>
      await appsOf(params).use(async (client) => await readContents(client, body)),
  )
  app.post<{ Params: Params; Body: RaiseStampsRequest }>(
    '/servers/:server/stamps',
    async ({ params, body }): Promise<RaiseStampsAnswer> => ({
      stampMs: await appsOf(params).use(async (client) => {
        if (body.identities) await raiseIdentitiesAbove(client, body.identities)
        return await raiseStampsAbove(client, body.aboveMs)
      }),
    }),
  )
  app.post<{ Params: Params; Body: RestampRequest }>(
    '/servers/:server/restamp',
    async ({ params, body }): Promise<RestampAnswer> =>
      await appsOf(params).use(async (client) => await restampRows(client, body)),
  )
  app.post<{ Body: RoundTripRequest }>(
    '/round-trips',
    async ({ body }): Promise<RoundTripAnswer> => ({
      ms: await host.roundTrip(body.to),
    }),
  )
  addRowOrders(app, appsOf)
}

// Rows in lines of JSON, out and in, however many there are.
function addRowOrders(app: FastifyInstance, appsOf: (params: Params) => AppsDatabase): void {
  app.addContentTypeParser(LINES_TYPE, (_request, payload, done) => done(null, payload))
  app.get<{ Params: Params; Querystring: { schema: string } }>(
    '/servers/:server/rows',
    async ({ params, query }, reply) => {
      const apps = appsOf(params)
      const out = new PassThrough()
      // Asked for by the first line at the latest: before it, a refusal can still be told.
      apps.requireOpen()
      apps
        .use(async (client) => await pipeline(withLineFeeds(exportRows(client, query.schema)), out))
        .catch((error) => out.destroy(error instanceof Error ? error : new Error(String(error))))
      return reply.type(LINES_TYPE).send(out)
    },
  )
  app.post<{ Params: Params; Querystring: { schema: string }; Body: Readable }>(
    '/servers/:server/rows',
    async ({ params, query, body }): Promise<ImportedRows> => {
      const lines = linesOf(body, EXPORT_LINE_BYTES_MAX)
      const first = await lines.next()
      const { tables } = JSON.parse(first.done ? '{}' : first.value) as { tables: ImportedTable[] }
      const into = { schema: query.schema, tables }
      return await appsOf(params).use(async (client) => await importRows(client, into, lines))
    },
  )
}

async function* withLineFeeds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}
