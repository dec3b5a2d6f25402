// Verifying a service against its standby: sums of ranges of rows on both sides, and the rows where they differ.
import type {
  RangesAnswer,
  RangesRequest,
  RowDigest,
  RowDigestsAnswer,
  RowDigestsRequest,
} from '../contract/service-check.ts'
import { lsnDistance } from '../databases/replication.ts'
import { getServer, standbyOf } from '../databases/servers.ts'
import { stepOfJob } from '../databases/vault-calls.ts'
import { Fault } from '../kit/fault.ts'
import { COMPARISONS_MAX, CONTENTS_READ_MS_MAX } from '../kit/limits.ts'
import { notYet, type StepContext, type StepResult } from '../operations/runner.ts'
import type { Service } from '../services/services.ts'
import { differenceText, differingRanges, differingRows, lasting, type RowDifference } from './compare-copies.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { foundText, note, placeOf, VERIFY_AGAIN_MS, type VerifyFacts } from './verify-facts.ts'

/**
 * Compares every row with the one on its standby, by ranges first. Rows go on being written: what differs is looked at
 * again once the standby has all that the primary had.
 */
export async function compareStandby(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { operation } = context
  const facts = context.facts as VerifyFacts
  const { service, tables, machine: here } = await placeOf(deps, operation)
  const there = standbyOf(await getServer(deps.db, service.server))?.machine
  if (there === undefined) throw new Fault('server.no_standby', 409, `${service.server} has no standby any more`)
  const round = facts.round ?? 0
  const ask = async (machine: string) => {
    const body: RangesRequest = { job: `${operation.id} ${round}`, schema: service.schema_name, tables }
    return await stepOfJob<RangesAnswer>(deps, machine, { path: `/servers/${service.server}/ranges`, body }, facts)
  }
  const primary = await ask(here)
  if (primary === null) return notYet(`${here} to read its rows`, VERIFY_AGAIN_MS)
  // Asked second: it has all that the primary had, or a little more.
  const standby = await ask(there).catch((error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'backup.failed') throw error
    return error
  })
  if (standby === null) return notYet(`${there} to read its rows`, VERIFY_AGAIN_MS)
  if (standby instanceof Fault) {
    note(context, [`its standby on ${there} cannot be read: ${standby.message}`])
    return { kind: 'done', detail: 'it cannot be read' }
  }
  const rows = primary.tables.reduce((sum, table) => sum + table.rows, 0)
  const ranges = differingRanges(primary, standby)
  if (ranges.length === 0) return { kind: 'done', detail: `${rows} row(s) on ${there} are the same` }
  if (round < COMPARISONS_MAX && lsnDistance(standby.lsn, primary.lsn) < 0) {
    facts.round = round + 1
    return notYet(`${there} to have all of it`, VERIFY_AGAIN_MS)
  }
  const problems = await compareRanges(deps, { service, here, there }, ranges)
  note(context, problems)
  return { kind: 'done', detail: `${rows} row(s) on ${there}${foundText(problems)}` }
}

async function compareRanges(
  deps: RecoveryDeps,
  at: { service: Service; here: string; there: string },
  ranges: { table: string; ranges: number[] }[],
): Promise<string[]> {
  const problems: string[] = []
  for (const one of ranges) {
    let left: RowDifference[] | null = null
    for (let look = 0; look < COMPARISONS_MAX && left?.length !== 0; look += 1) {
      const [here, there] = [await readRows(deps, at.here, at, one), await readRows(deps, at.there, at, one)]
      const now = differingRows(here, there)
      left = left === null ? now : lasting(left, now)
    }
    problems.push(...(left ?? []).map((difference) => differenceText(one.table, difference)))
  }
  return problems
}

async function readRows(
  { field }: RecoveryDeps,
  machine: string,
  { service }: { service: Service },
  { table, ranges }: { table: string; ranges: number[] },
): Promise<RowDigest[]> {
  const found: RowDigest[] = []
  for (;;) {
    const body: RowDigestsRequest = { schema: service.schema_name, table, ranges, after: found.at(-1)?.[0] ?? null }
    const order = { method: 'POST' as const, path: `/servers/${service.server}/row-digests`, body }
    const page = (await field.order(machine, { ...order, timeoutMs: CONTENTS_READ_MS_MAX })) as RowDigestsAnswer
    found.push(...page.rows)
    if (page.isLast) return found
  }
}
