// What only the executor does, for as long as it is the one: judge, tend servers, carry operations out.
import { sealChanges } from '../accounts/audit.ts'
import type { Seal } from '../accounts/seal.ts'
import type { RestoreDeps } from '../databases/restore-server.ts'
import type { Incidents } from '../health/incidents.ts'
import { MeasureKeeper, thinMeasures } from '../history/measures.ts'
import { thinUsage } from '../history/usage.ts'
import { repeat } from '../kit/clock.ts'
import {
  AUDIT_SEAL_EVERY_MS,
  BACKUP_CHECK_LOOK_MS,
  CONTROL_PRESENT_EVERY_MS,
  ENDED_BACKUPS_LOOK_MS,
  ISSUE_LOOK_EVERY_MS,
  JUDGE_EVERY_MS,
  MEASURE_EVERY_MS,
  MEASURE_WRITE_EVERY_MS,
  NOTICE_LOOK_EVERY_MS,
  OPERATION_LOOK_EVERY_MS,
  SOURCE_ENDED_LOOK_MS,
  STEWARD_EVERY_MS,
  THIN_EVERY_MS,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { OperationRunner } from '../operations/runner.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired, listMachines } from '../regions/regions.ts'
import { removeEndedRepositories } from '../source/ended-repositories.ts'
import { beginDueIssues } from './acme.ts'
import { beginDueCheck } from './backup-checks.ts'
import type { Db } from './database.ts'
import { removeEndedBackups } from './ended-backups.ts'
import { FleetWatch } from './fleet-watch.ts'
import { judgeAll, noteLost } from './judge.ts'
import type { Certificates } from './judge-parts.ts'
import type { MachineField } from './machine-field.ts'
import { samplesOf } from './measuring.ts'
import type { NoticeSender } from './notice-sender.ts'
import { tendServers } from './steward.ts'

export type DutyDeps = {
  /** Writes under the executor's term only. */
  db: Db
  seal: Seal
  log: Log
  board: FactBoard
  incidents: Incidents
  field: MachineField
  runner: OperationRunner
  backups: RestoreDeps
  domain: string
  certificates: Certificates
  notices: NoticeSender
  pushSoon: () => void
  onError: (error: unknown) => void
  /** Resolves when the rows may be acted on: at once, except after a restore. */
  settled: (signal: AbortSignal) => Promise<void>
}

/** Does the executor's duties until the signal. */
export async function reign(deps: DutyDeps, signal: AbortSignal): Promise<void> {
  const { db, board, incidents, field, runner, domain, pushSoon: onChange, onError } = deps
  await deps.settled(signal)
  if (signal.aborted) return
  await incidents.load()
  const measured = new MeasureKeeper()
  // The one before may have noted a verdict and not told it any more.
  await db.transaction().execute(bumpDesired)
  onChange()
  const fleet = new FleetWatch(db)
  const brokenSince = new Map<string, number>()
  await Promise.all([
    repeat({ everyMs: JUDGE_EVERY_MS, signal, onError }, async () => {
      await judgeAll({ db, fleet, board, incidents, domain, certificates: deps.certificates, onChange })
    }),
    repeat({ everyMs: STEWARD_EVERY_MS, signal, onError }, async () => {
      if (await tendServers({ db, fleet, seal: deps.seal, board, field, brokenSince })) await field.push()
    }),
    repeat({ everyMs: BACKUP_CHECK_LOOK_MS, signal, onError }, async () => {
      await beginDueCheck({ db, board, backups: deps.backups })
    }),
    repeat({ everyMs: ISSUE_LOOK_EVERY_MS, signal, onError }, async () => await beginDueIssues({ db })),
    repeat({ everyMs: ENDED_BACKUPS_LOOK_MS, signal, onError }, async () => {
      await removeEndedBackups({ db, backups: deps.backups, onError })
    }),
    repeat({ everyMs: SOURCE_ENDED_LOOK_MS, signal, onError }, async () => await removeEndedRepositories(db)),
    repeat({ everyMs: AUDIT_SEAL_EVERY_MS, signal, onError }, async () => {
      // Whoever keeps the logs elsewhere has what the chain can be held against.
      for (const head of await sealChanges(db)) deps.log.info(head, 'the audit was sealed up to here')
    }),
    repeat({ everyMs: MEASURE_EVERY_MS, signal, onError }, async () => {
      measured.note(samplesOf(board.hosts(), board.gateways()), Date.now())
    }),
    repeat({ everyMs: MEASURE_WRITE_EVERY_MS, signal, onError }, async () => await measured.write(db)),
    repeat({ everyMs: THIN_EVERY_MS, signal, onError }, async () => {
      await thinUsage(db, Date.now())
      await thinMeasures(db, Date.now())
    }),
    repeat({ everyMs: NOTICE_LOOK_EVERY_MS, signal, onError }, async () => {
      await deps.notices.round()
    }),
    repeat({ everyMs: OPERATION_LOOK_EVERY_MS, signal, onError }, async () => {
      // Just after our start a host that was not heard yet is not lost: an operation must not fail for that.
      await field.settle()
      await runner.startFree(signal)
    }),
  ])
  await runner.settle()
}

/** What one that stands by does: it knows who is lost and what is judged, to answer and to take over at once. */
export async function standBy(
  deps: Pick<DutyDeps, 'db' | 'board' | 'incidents' | 'domain' | 'onError'>,
  options: { signal: AbortSignal; isExecuting: () => boolean },
): Promise<void> {
  const { db, board, incidents, domain, onError } = deps
  await repeat({ everyMs: CONTROL_PRESENT_EVERY_MS, signal: options.signal, onError }, async () => {
    const hosts = (await listMachines(db)).filter((machine) => machine.role === 'host')
    // Looked at last: what the executor notes must not be read over by one that stood by a moment ago.
    if (options.isExecuting()) return
    noteLost({ board, domain }, hosts)
    await incidents.load()
  })
}
