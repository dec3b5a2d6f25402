// Orders that check what this host holds of a service: its schema, digests of its rows, a backup against them.
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type {
  CheckBackupAnswer,
  CheckBackupRequest,
  CheckRequest,
  RangesRequest,
  RowDigestsAnswer,
  RowDigestsRequest,
} from '../contract/service-check.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import { compareBackup } from '../databases/backup-comparison.ts'
import { ROW_TEXT_SETTINGS } from '../databases/divergence/row-text.ts'
import { isElsewhereNow } from '../databases/lost-connection.ts'
import { readRanges, readRowDigests } from '../databases/row-digests.ts'
import { checkService } from '../databases/service-check.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import type { Host } from './host.ts'
import type { Jobs } from './jobs.ts'
import { withRestoredService } from './restored-service.ts'

type Params = { server: string }

/** Adds the routes; who may order is decided by who adds them. */
export function addCheckOrders(app: FastifyInstance, host: Host, jobs: Jobs): void {
  app.post<{ Params: Params; Body: CheckRequest }>('/servers/:server/check', async ({ params, body }) => {
    const apps = host.getApps(params.server)
    const work = async () => await apps.use(async (client) => await checkService(client, body))
    return await jobs.ask(`check ${body.job}`, work, () => apps.requireOpen())
  })
  app.post<{ Params: Params; Body: RangesRequest }>('/servers/:server/ranges', async ({ params, body }) => {
    const work = async () => await readCopy(host, params.server, async (client) => await readRanges(client, body))
    return await jobs.ask(`ranges ${body.job}`, work, async () => await requireCopy(host, params.server))
  })
  app.post<{ Params: Params; Body: RowDigestsRequest }>(
    '/servers/:server/row-digests',
    async ({ params, body }): Promise<RowDigestsAnswer> =>
      await readCopy(host, params.server, async (client) => await readRowDigests(client, body)),
  )
  app.post<{ Params: Params; Body: CheckBackupRequest }>('/servers/:server/check-backup', async ({ params, body }) => {
    const work = async () => await checkBackup(host, params.server, body)
    return await jobs.ask(`check-backup ${body.job}`, work, () => host.getApps(params.server).requireOpen())
  })
}

// One that is only just starting is asked again.
async function requireCopy(host: Host, name: string): Promise<void> {
  try {
    await readCopy(host, name, async () => {})
  } catch (error) {
    if (!isElsewhereNow(error)) throw error
    throw new Fault('server.not_open', 503, `${name} does not answer: ${messageOf(error)}`, { cause: error })
  }
}

// A copy that is read only is as good for looking.
async function readCopy<T>(host: Host, name: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const cluster = host.standbyCluster(name)
  if (cluster === null) return await host.getApps(name).use(work)
  return await cluster.withClient(work, { database: APPS_DATABASE })
}

// Both sides stand still while they are compared: the one is a scratch server, the other a snapshot.
async function checkBackup(host: Host, name: string, wanted: CheckBackupRequest): Promise<CheckBackupAnswer> {
  const { schema, tables } = wanted
  return await withRestoredService(host, wanted, async ({ restoredTo, ...backup }) => {
    const compare = async (client: pg.Client) => {
      await freeze(backup.client)
      await freeze(client)
      return await compareBackup({ backup, live: { client, schema } }, { tables, restoredMs: restoredTo.getTime() })
    }
    const compared = await host.getApps(name).use(compare)
    return { ...compared, restoredTo: restoredTo.toISOString() }
  })
}

// Until the connection ends.
async function freeze(client: pg.Client): Promise<void> {
  await client.query('begin isolation level repeatable read read only')
  await client.query(ROW_TEXT_SETTINGS)
}
