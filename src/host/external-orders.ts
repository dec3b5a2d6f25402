// Orders about external servers: looking into one from here, and marking it as ours.
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import type {
  CheckExternalAnswer,
  CheckExternalRequest,
  ExternalEndpoint,
  ExternalMark,
  MarkExternalRequest,
  TokenAnswer,
} from '../contract/external-server.ts'
import { placeOf } from '../databases/database-url.ts'
import { chooseWritable, ExternalHosts, hostFactsOf, settingsOf } from '../databases/external-hosts.ts'
import { readMark, readRights, writeMark } from '../databases/external-platform.ts'
import { Fault } from '../kit/fault.ts'
import { ROUND_TRIPS } from '../kit/limits.ts'
import type { Host } from './host.ts'

/** Adds the routes; who may order is decided by who adds them. */
export function addExternalOrders(app: FastifyInstance, host: Host): void {
  app.post<{ Body: CheckExternalRequest }>(
    '/external/check',
    async ({ body }): Promise<CheckExternalAnswer> =>
      await atWritable(body.endpoint, async (client, { at, hosts }) => ({
        ...(await readRights(client)),
        ...{ at, hosts, roundTripMs: await roundTrip(client), mark: await readMark(client) },
      })),
  )
  app.post<{ Body: MarkExternalRequest }>(
    '/external/mark',
    async ({ body }): Promise<ExternalMark> =>
      await atWritable(body.endpoint, async (client) => await writeMark(client, body)),
  )
  app.post<{ Params: { server: string } }>(
    '/servers/:server/token',
    async ({ params }): Promise<TokenAnswer> => await host.getExternal(params.server).writeToken(),
  )
}

type Found = Pick<CheckExternalAnswer, 'at' | 'hosts'>

async function atWritable<T>(
  endpoint: ExternalEndpoint,
  work: (client: pg.Client, found: Found) => Promise<T>,
): Promise<T> {
  const asked = new ExternalHosts(endpoint)
  try {
    const found = await asked.ask()
    const hosts = found.map(hostFactsOf)
    const writable = chooseWritable(found)
    if (writable === null) {
      const told = hosts.map(({ place, state, problem }) => `${place} is ${problem ?? state.replace('_', '-')}`)
      throw new Fault('external.unreachable', 503, `no host takes writes: ${told.join('; ')}`, {
        hint: 'Check user, password, database and hosts of the URL, and that they can be reached from here.',
      })
    }
    const client = new pg.Client(settingsOf(endpoint, writable.at))
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client, { at: placeOf(writable.at), hosts })
    } finally {
      await client.end()
    }
  } finally {
    await asked.close()
  }
}

// The shortest of a few, in milliseconds.
async function roundTrip(client: pg.Client): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < ROUND_TRIPS; count += 1) {
    const startedAt = performance.now()
    await client.query('select 1')
    times.push(performance.now() - startedAt)
  }
  return Math.min(...times)
}
