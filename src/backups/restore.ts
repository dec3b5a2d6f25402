// Restores a server from the vault into an empty cluster: plan, files, WAL, recovery. What is damaged is gone around.
import { join } from 'node:path'
import type { Cluster } from '../databases/cluster.ts'
import type { Recovery } from '../databases/cluster-config.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import { RECOVERY_LOOK_EVERY_MS, RECOVERY_MS_MAX, RESTORE_TRIES_MAX } from '../kit/limits.ts'
import { restoreFilesApart } from './files-thread.ts'
import { type ObjectProblem, problemOf } from './object-problems.ts'
import { readCatalogue } from './read-catalogue.ts'
import { restoreHistories, restoreWal } from './restore-data.ts'
import { planRestore, type RestorePlan, type RestoreTarget } from './restore-plan.ts'
import type { ServerVault } from './server-vault.ts'

export type RestoreProgress = { doneBytes: number; totalBytes: number; step: 'fetching' | 'recovering' }

export type RestoreOptions = {
  target: RestoreTarget
  /** Not running; its folder is emptied. It takes the superuser password of the server that was backed up. */
  cluster: Cluster
  onProgress?: (progress: RestoreProgress) => void
  signal?: AbortSignal
}

export type RestoreReport = {
  /** What was carried out in the end; its notes say what was passed over. */
  plan: RestorePlan
  /** The restored server's own, new timeline. */
  timeline: number
  tries: number
}

type Run = {
  vault: ServerVault
  plan: RestorePlan
  cluster: Cluster
  signal: AbortSignal
  tell: Tell
}
type Tell = (bytes: number, step: RestoreProgress['step']) => void

/**
 * Leaves the cluster whole, promoted to a timeline of its own, and stopped. Whatever ends it before leaves a folder
 * that counts as empty (`hasData` is false), and the same call begins anew there. Faults as `planRestore` does, and with
 * `postgres.other_major`, `restore.stopped`, `restore.failed` (PostgreSQL could not roll it forward), `vault.wrong_key` or the vault's own.
 */
export async function restoreServer(vault: ServerVault, options: RestoreOptions): Promise<RestoreReport> {
  const { cluster } = options
  const signal = options.signal ?? new AbortController().signal
  const lost: ObjectProblem[] = []
  for (let tries = 1; ; tries++) {
    const plan = await planAround(vault, options.target, lost)
    cluster.requireMajor(plan.backup.postgresVersion, `backup ${plan.backup.id} of ${plan.server}`)
    let doneBytes = 0
    const tell: Tell = (bytes, step) => {
      doneBytes += bytes
      options.onProgress?.({ doneBytes, totalBytes: Math.max(plan.bytes, doneBytes), step })
    }
    try {
      const run = { vault, plan, cluster, signal, tell }
      return { plan, tries, timeline: await carryOut(run) }
    } catch (error) {
      await cluster.kill()
      if (signal.aborted) throw stopped(signal)
      // Without this object there may be another way. One that is gone may also have been replaced meanwhile, a piece
      // of WAL by its whole segment: the next listing shows it.
      const problem = problemOf(error)
      if (problem === null || tries >= RESTORE_TRIES_MAX) throw error
      lost.push(problem)
    }
  }
}

async function planAround(vault: ServerVault, target: RestoreTarget, lost: ObjectProblem[]): Promise<RestorePlan> {
  const catalogue = await readCatalogue(vault, lost)
  try {
    return planRestore(catalogue, target)
  } catch (error) {
    if (!(error instanceof Fault) || lost.length === 0) throw error
    const why = lost.map(({ message }) => message).join('; ')
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    throw new Fault(error.code, error.status, `${error.message} (${why})`, hint)
  }
}

async function carryOut(run: Run): Promise<number> {
  const { vault, plan, cluster, signal, tell } = run
  const walFolder = join(cluster.folder, 'restore-wal')
  const onBytes = (bytes: number) => tell(bytes, 'fetching')
  if (signal.aborted) throw stopped(signal)
  await cluster.kill()
  await cluster.beginFolder()
  await removeTree(walFolder)
  await restoreFilesApart(plan.backup, cluster.dataFolder, { vault, onBytes, signal })
  await restoreHistories(plan.histories, walFolder)
  await restoreWal(plan.wal, walFolder, { system: plan.backup.system, vault, onBytes, signal })
  await cluster.giveFolder()
  await cluster.syncData()
  tell(0, 'recovering')
  await recoverTo(run, { walFolder, timeline: plan.timeline, stop: plan.stop })
  const timeline = await readTimeline(cluster)
  await cluster.stop('fast')
  await removeTree(walFolder)
  // Up to here nothing of it counts: whoever wanted it stopped finds it so, however short the recovery was.
  if (signal.aborted) throw stopped(signal)
  await cluster.finishFolder()
  return timeline
}

// PostgreSQL stops before the first commit after the moment. Where it finds none, what was sent later is tried; and
// where there is no later WAL at all, its end is that moment.
async function recoverTo(run: Run, recovery: Recovery): Promise<void> {
  const { vault, plan, cluster, signal, tell } = run
  if (await recover(cluster, recovery, signal)) return
  if (plan.reserve.length > 0) {
    const onBytes = (bytes: number) => tell(bytes, 'fetching')
    await restoreWal(plan.reserve, recovery.walFolder, { system: plan.backup.system, vault, onBytes, signal })
    await cluster.giveFolder()
    if (await recover(cluster, recovery, signal)) return
  }
  if (await recover(cluster, { ...recovery, stop: { kind: 'end' } }, signal)) return
  throw await failed(cluster)
}

/** Rolls forward and waits for the promotion; false when the WAL ended before the moment was reached. */
async function recover(cluster: Cluster, recovery: Recovery, signal: AbortSignal): Promise<boolean> {
  try {
    await cluster.start({ kind: 'restored', recovery }).catch((error: unknown) => {
      // Long before it answers it may have much to roll forward.
      if (!(error instanceof Fault) || error.code !== 'wait.timed_out') throw error
    })
    await waitFor('the end of the recovery', async () => await isPromoted(cluster), {
      withinMs: RECOVERY_MS_MAX,
      everyMs: RECOVERY_LOOK_EVERY_MS,
      signal,
    })
    return true
  } catch (error) {
    if (signal.aborted) throw stopped(signal)
    await cluster.stop('immediate')
    const log = await cluster.logTail(LOG_LINES)
    if (recovery.stop.kind === 'time' && log.includes('recovery ended before configured recovery target')) return false
    throw await failed(cluster, error)
  }
}

async function isPromoted(cluster: Cluster): Promise<true | undefined> {
  if (!cluster.isRunning) throw await failed(cluster)
  try {
    const found = await cluster.withClient(
      async (client) => await client.query<{ waits: boolean }>('select pg_is_in_recovery() as waits'),
    )
    return found.rows[0]?.waits === false ? true : undefined
  } catch {
    // It does not answer yet, or has just ended: the next look tells.
    return undefined
  }
}

async function readTimeline(cluster: Cluster): Promise<number> {
  const found = await cluster.withClient(
    async (client) =>
      await client.query<{ timeline: number }>(
        `select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline`,
      ),
  )
  return found.rows[0]?.timeline ?? 0
}

const LOG_LINES = 30

async function failed(cluster: Cluster, error?: unknown): Promise<Fault> {
  const log = await cluster.logTail(LOG_LINES)
  const reason = error === undefined ? 'it ended' : messageOf(error)
  return new Fault('restore.failed', 500, `PostgreSQL could not roll the backup forward: ${reason}\n${log}`, {
    hint: 'Restore another backup, or another moment.',
    cause: error,
  })
}

function stopped(signal: AbortSignal): Fault {
  return new Fault('restore.stopped', 503, 'the restore was stopped before it was whole', { cause: signal.reason })
}
