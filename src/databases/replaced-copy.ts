// A lost primary's copy that a new standby takes the place of: what it alone has is decoded and kept elsewhere first.
import { faultPoint } from '../kit/fault-points.ts'
import { serverOf } from '../operations/operations.ts'
import type { StepContext, StepResult } from '../operations/runner.ts'
import { carryBundle } from './bundle-courier.ts'
import { noteDivergences } from './divergences.ts'
import { type ServerDeps, stillWaiting } from './server-operations.ts'
import { getServer, primaryOf, takePlaceOf } from './servers.ts'

/** The step: waits for the bundle, has it carried to the primary's host, and gives the place to a standby. */
export async function keepStranded(deps: ServerDeps, { operation }: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const name = serverOf(operation)
  const machine = (operation.input as { replaces: string | null }).replaces
  if (machine === null) return { kind: 'done', detail: 'there is no lost primary in its way' }
  const server = await getServer(db, name)
  const member = server.members.find((one) => one.machine === machine)
  if (member?.role !== 'quarantined') return { kind: 'done' }
  await field.push()
  const host = await field.askHost(machine)
  const quarantine = host.servers.find((one) => one.name === name)?.quarantine
  const isUnknown = member.fork_lsn === null
  const isTried = quarantine?.epoch !== undefined && (quarantine.bundle != null || quarantine.bundleProblem != null)
  if (!quarantine || (!isTried && !isUnknown)) return stillWaiting(`${machine} to decode what it alone has`)
  const bundle = quarantine.bundle ?? null
  const epoch = quarantine.epoch ?? Number(server.epoch) - 1
  if (bundle !== null) {
    await noteDivergences(db, [host])
    const { machine: to } = primaryOf(server)
    if (bundle.changes > 0) await carryBundle(field, { server: name, epoch: bundle.epoch }, { to, among: [machine] })
  }
  faultPoint('protect_server.stranded.carried')
  await db.transaction().execute(async (trx) => {
    await takePlaceOf(trx, { server: name, machine, epoch, isKept: bundle === null })
  })
  await field.push()
  if (bundle === null) {
    const why = quarantine.bundleProblem ?? 'it is not known where its successor left it'
    return { kind: 'done', detail: `${why}; its data is set aside on ${machine}, beside ${quarantine.folder}` }
  }
  if (bundle.changes === 0) return { kind: 'done', detail: 'the lost primary had nothing that its successor lacks' }
  const show = `mainstay sql divergence show ${name}`
  return { kind: 'done', detail: `${bundle.changes} change(s) that its successor lacks are kept; see: ${show}` }
}
