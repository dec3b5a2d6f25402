// Bringing stranded writes back onto the promoted server, as an operation: begun again it finds what is there.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { BundleApplied, BundlePreview } from '../contract/divergence.ts'
import { carryBundle } from '../databases/bundle-courier.ts'
import { type Divergence, getDivergence, noteApplied } from '../databases/divergences.ts'
import { getServer, lockIdleServer, primaryOf, updateHeldServer } from '../databases/servers.ts'
import { orderJob } from '../databases/vault-calls.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { DIVERGENCE_PREVIEW_MS_MAX } from '../kit/limits.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
import { listHosts, requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import type { RecoveryDeps } from './recover-facts.ts'

/** Whose changes, by schema; all when none is named. `epoch`: of the lost primary. */
export type ApplyWanted = { server: string; epoch: number; schema: string | null; onConflict: 'skip' | 'overwrite' }

const LOOK_AGAIN_MS = 200

/** Writes the operation. Returns its id. Faults with `divergence.unknown`, `server.busy` or `region.unreachable`. */
export async function beginApply(deps: RecoveryDeps, caller: Caller, wanted: ApplyWanted): Promise<string> {
  const { db, field } = deps
  await field.settle()
  return await db.transaction().execute(async (trx) => {
    const server = await lockIdleServer(trx, wanted.server)
    const { state } = await getDivergence(trx, wanted.server, wanted.epoch)
    if (state === 'discarded') {
      throw new Fault('divergence.discarded', 409, `the stranded writes of ${wanted.server} were discarded`)
    }
    requireReachable(field, primaryOf(server).machine, `the primary of ${wanted.server}`)
    const operationId = await insertOperation(trx, {
      kind: 'apply_divergence',
      caller,
      subject: { server: wanted.server },
      input: wanted,
      steps: [
        { name: 'carry', sentence: 'Bringing the stranded writes to the primary' },
        { name: 'apply', sentence: 'Applying them' },
      ],
      idempotencyKey: null,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', wanted.server).execute()
    await audit(trx, caller, { action: 'sql divergence apply', subject: wanted.server, after: wanted, operationId })
    await bumpDesired(trx)
    return operationId
  })
}

/** How it is carried out. */
export function applyDivergenceKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      {
        name: 'carry',
        async run({ operation }) {
          await bringToPrimary(deps, serverOf(operation), inputOf(operation).epoch)
          return { kind: 'done' }
        },
      },
      { name: 'apply', isEndless: true, run: async (context) => await apply(deps, context) },
    ],
    async finish({ operation, facts }, end) {
      const { server, epoch } = inputOf(operation)
      await db.transaction().execute(async (trx) => {
        await noteApplied(trx, { server, epoch }, facts.applied as BundleApplied)
        await updateHeldServer(trx, operation, { operation_id: null })
        await end(trx, {})
      })
    },
    async fail({ operation }, _fault, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeldServer(trx, operation, { operation_id: null })
        await end(trx, { state: 'failed', next: `mainstay sql divergence apply ${serverOf(operation)}` })
      })
    },
  }
}

/** How changes of a bundle would apply today. Faults with `divergence.not_read` and what the host says. */
export async function previewDivergence(
  deps: RecoveryDeps,
  divergence: Divergence,
  wanted: { schema: string | null; from: number; count: number },
): Promise<BundlePreview> {
  const epoch = Number(divergence.epoch)
  const machine = await bringToPrimary(deps, divergence.server, epoch)
  const { schema, from, count } = wanted
  const body = { job: randomId(), from, count, ...(schema === null ? {} : { schema }) }
  const path = `/bundles/${divergence.server}/${epoch}/preview`
  const deadline = performance.now() + DIVERGENCE_PREVIEW_MS_MAX
  for (;;) {
    const answer = await orderJob<BundlePreview>(deps, machine, { path, body })
    if (answer.state === 'done') return answer.result
    if (answer.state === 'failed') throw new Fault('divergence.not_read', 500, answer.message)
    if (performance.now() > deadline) {
      throw new Fault('divergence.not_read', 504, `${machine} takes very long to compare the stranded writes`)
    }
    await pause(LOOK_AGAIN_MS)
  }
}

async function bringToPrimary({ db, field }: RecoveryDeps, name: string, epoch: number): Promise<string> {
  const { machine } = primaryOf(await getServer(db, name))
  const { hosts } = await listHosts(db, field)
  const among = hosts.map((host) => host.name)
  await carryBundle(field, { server: name, epoch }, { to: machine, among })
  return machine
}

async function apply({ db, field }: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { server, epoch, schema, onConflict } = inputOf(operation)
  const { machine } = primaryOf(await getServer(db, server))
  const body = { job: operation.id, onConflict, ...(schema === null ? {} : { schema }) }
  const path = `/bundles/${server}/${epoch}/apply`
  const answer = await orderJob<BundleApplied>({ field }, machine, { path, body })
  if (answer.state === 'running') return notYet(`${machine} to apply them`, LOOK_AGAIN_MS)
  if (answer.state === 'failed') {
    throw new Fault('divergence.not_applied', 500, answer.message, {
      hint: `What was applied is found so: mainstay sql divergence apply ${server}`,
    })
  }
  facts.applied = answer.result
  const { applied, already, conflicts, skipped } = answer.result
  const left = skipped === 0 ? '' : `; ${skipped} left alone`
  return { kind: 'done', detail: `${applied} applied, ${already} there already, ${conflicts} conflict(s)${left}` }
}

function inputOf(operation: { input: Record<string, unknown> }): ApplyWanted {
  // Written by beginApply, whose type this is.
  return operation.input as ApplyWanted
}
