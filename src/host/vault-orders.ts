// Orders about the vault: what it holds, how a moment would be restored, verifying it, a backup now, a table back.
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { type Catalogue, restorableInterval } from '../backups/catalogue.ts'
import { readCatalogue } from '../backups/read-catalogue.ts'
import { removeEnded } from '../backups/remove-ended.ts'
import { planRestore } from '../backups/restore-plan.ts'
import { openServerVault, type ServerVault } from '../backups/server-vault.ts'
import { verifyByRestore } from '../backups/trial-restore.ts'
import { verifyBackups } from '../backups/verify.ts'
import type {
  BackupTarget,
  BackupVerdict,
  OutlineRequest,
  RestoreOutline,
  VaultContent,
  VaultRequest,
  VerifyRequest,
} from '../contract/backup.ts'
import type { TableRestored, TableRestoreRequest } from '../contract/table-restore.ts'
import { formatLsn } from '../databases/replication.ts'
import { restoreTable } from '../databases/restored-table.ts'
import { Fault } from '../kit/fault.ts'
import type { Host } from './host.ts'
import type { Jobs } from './jobs.ts'
import { withRestoredService } from './restored-service.ts'
import { targetOf } from './vault-target.ts'

type Params = { server: string }

/** Adds the routes; who may order is decided by who adds them. */
export function addVaultOrders(app: FastifyInstance, host: Host, jobs: Jobs): void {
  const open = (server: string, key: string) => openVault(host, server, key)
  app.post<{ Params: Params; Body: VaultRequest }>('/vault/:server/content', async ({ params, body }) => {
    const vault = open(params.server, body.key)
    return await jobs.ask(`content ${body.job}`, async () => contentOf(vault, await readCatalogue(vault)))
  })
  app.post<{ Params: Params; Body: OutlineRequest }>('/vault/:server/outline', async ({ params, body }) => {
    const vault = open(params.server, body.key)
    return await jobs.ask(`outline ${body.job}`, async () => await outline(vault, body.target))
  })
  app.post<{ Params: Params; Body: VerifyRequest }>('/vault/:server/verify', async ({ params, body }) => {
    const vault = open(params.server, body.key)
    return await jobs.ask(`verify ${body.job}`, async () => await verify(host, vault, body))
  })
  app.post<{ Params: Params; Body: VaultRequest }>('/vault/:server/remove', async ({ params, body }) => {
    const vault = open(params.server, body.key)
    return await jobs.ask(`remove ${body.job}`, async () => ({ removed: await removeEnded(vault) }))
  })
  app.post<{ Params: Params; Body: TableRestoreRequest }>(
    '/servers/:server/restore-table',
    async ({ params, body }) => {
      const wanted = { ...body, server: params.server }
      const work = async () => await bringBack(host, wanted)
      return await jobs.ask(`restore-table ${body.job}`, work, () => host.getApps(params.server).requireOpen())
    },
  )
  app.post<{ Params: Params; Body: { job: string } }>('/servers/:server/backup', async ({ params, body }) => {
    const { server } = host.getServer(params.server)
    return await jobs.ask(
      `backup ${body.job}`,
      async () => await server.takeBackup(),
      () => server.requireOpen(),
    )
  })
}

/** What a server has in the vault of this host. Faults with `backup.no_vault`. */
export function openVault({ vault }: Host, server: string, key: string): ServerVault {
  if (vault) return openServerVault(vault, { server, key: Buffer.from(key, 'base64') })
  throw new Fault('backup.no_vault', 409, 'this host was given no vault', { hint: 'Start it with --vault.' })
}

function contentOf(vault: ServerVault, catalogue: Catalogue): VaultContent {
  const interval = (found: { from: Date; to: Date } | null) =>
    found && { from: found.from.toISOString(), to: found.to.toISOString() }
  return {
    vault: vault.name,
    backups: catalogue.backups.map(({ manifest, problem, reaches }) => {
      const { id, startedAt, endedAt, plainBytes, storedBytes } = manifest
      const own =
        reaches.length === 0 ? null : restorableInterval({ ...catalogue, backups: [{ manifest, problem, reaches }] })
      return { id, startedAt, endedAt, plainBytes, storedBytes, restorable: interval(own), problem }
    }),
    restorable: interval(restorableInterval(catalogue)),
    gaps: catalogue.gaps.map(({ timeline, start, end }) => {
      const until = end === null ? 'on' : `to ${formatLsn(end)}`
      return `WAL of timeline ${timeline} is missing from ${formatLsn(start)} ${until}`
    }),
    problems: catalogue.problems.map(({ message }) => message),
  }
}

async function outline(vault: ServerVault, target: BackupTarget): Promise<RestoreOutline> {
  const plan = planRestore(await readCatalogue(vault), targetOf(target))
  const { backup, bytes, restoresTo, wal, notes } = plan
  return { backup: backup.id, bytes, restoresTo: restoresTo.toISOString(), walObjects: wal.length, notes }
}

async function verify(host: Host, vault: ServerVault, wanted: VerifyRequest): Promise<BackupVerdict> {
  const { objects, bytes, problems } = await verifyBackups(vault, {
    underWay: () => host.backupsUnderWay(vault.server),
  })
  const found = problems.map(({ message }) => message)
  if (!wanted.isRestored) return { objects, bytes, problems: found, rows: null, indexes: null }
  const trial = await host.scratch.use(
    wanted.job,
    wanted.superuserPassword,
    async (cluster) => await verifyByRestore(vault, { cluster }),
  )
  const rows = Object.values(trial.rows).reduce((sum, count) => sum + count, 0)
  return { objects, bytes, problems: [...found, ...trial.problems], rows, indexes: trial.indexes }
}

// Into the open primary.
async function bringBack(
  host: Host,
  { server, ...wanted }: TableRestoreRequest & { server: string },
): Promise<TableRestored> {
  const { serviceId, schema } = wanted
  return await withRestoredService(host, wanted, async ({ restoredTo, ...before }) => {
    const into = async (client: pg.Client) => await restoreTable({ before, now: { client, schema, serviceId } }, wanted)
    const restored = await host.getApps(server).use(into)
    return { ...restored, restoredTo: restoredTo.toISOString() }
  })
}
