// The promotion of a standby: decided in one transaction, carried out by its host. Part of a recovery, or alone.
import { getServer, noteFork, primaryOf, promoteMember } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { noteFacts } from '../operations/operations.ts'
import { notYet, type StepContext, type StepResult } from '../operations/runner.ts'
import type { RecoveryDeps } from './recover-facts.ts'

/** What it tells later steps; part of the operation's row. */
export type PromotionFacts = { isPromoted?: boolean; serverEpoch?: number; forkLsn?: string | null }

const LOOK_AGAIN_MS = 20

/** Promotes a server's standby, and waits until it is open. Faults with `door.unreachable` when it has none that runs. */
export async function promoteStandby(
  deps: RecoveryDeps,
  context: StepContext,
  wanted: { server: string; isOldPrimaryStopped: boolean },
): Promise<StepResult> {
  const { db, field } = deps
  const facts = context.facts as PromotionFacts
  if (!facts.isPromoted) await decidePromotion(deps, context, wanted)
  await field.push()
  const server = await getServer(db, wanted.server)
  const { machine } = primaryOf(server)
  const found = (await field.askHost(machine)).servers.find((entry) => entry.name === server.name)
  if (found?.state !== 'running' || found.role !== 'primary' || found.epoch !== Number(server.epoch)) {
    return wait(found?.problem ?? `${machine} to promote ${server.name} (${found?.state ?? 'not there'})`)
  }
  if (found.forkLsn === null) return wait(`${machine} to tell where its timeline begins`)
  facts.forkLsn = found.forkLsn
  await noteFork(db, { server: server.name, machine, forkLsn: found.forkLsn })
  return { kind: 'done', detail: `${server.name} promoted on ${machine} under epoch ${server.epoch}` }
}

async function decidePromotion(
  deps: RecoveryDeps,
  context: StepContext,
  wanted: { server: string; isOldPrimaryStopped: boolean },
): Promise<void> {
  const { operation, facts } = context
  const before = await getServer(deps.db, wanted.server)
  const standby = before.members.find((member) => member.role === 'standby')
  // Nobody else's promotion may be undone by ours: one that is over already is simply used.
  const machine = standby?.machine ?? primaryOf(before).machine
  if (standby) await requireLivingStandby(deps, wanted.server, machine)
  const known = await deps.db.transaction().execute(async (trx) => {
    const { epoch } = await promoteMember(trx, { ...wanted, machine })
    const noted: PromotionFacts = { ...facts, isPromoted: true, serverEpoch: epoch }
    // With the decision itself: whoever takes over must not put back what cannot be, and others may share it at once.
    await noteFacts(trx, operation.id, noted)
    return noted
  })
  Object.assign(facts, known)
  faultPoint(`${operation.kind}.database.promoted`)
}

// The decision cannot be taken back, so the one who carries it out must be there and have what it needs.
async function requireLivingStandby({ field }: RecoveryDeps, server: string, machine: string): Promise<void> {
  const found = (await field.askHost(machine)).servers.find((entry) => entry.name === server)
  if (found?.role === 'standby' && found.state === 'running') return
  throw new Fault('door.unreachable', 503, `${machine} has no running standby of ${server} (${found?.state ?? 'none'})`)
}

function wait(reason: string): StepResult {
  return notYet(reason, LOOK_AGAIN_MS)
}
