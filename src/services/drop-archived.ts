// Dropping now what is kept of a service that ended: a deletion that goes on to its end, before its time is over.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import { listServers, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import type { ServiceDeps } from './create-service.ts'
import { DELETE_STEPS, dropText, fateOf, requireFree } from './delete-service.ts'
import { type EndedService, getArchive, lockEnded } from './restore-service.ts'

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginDropArchived(
  deps: ServiceDeps,
  caller: Caller,
  wanted: EndedService,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimDropArchived(deps, caller, wanted, how))
}

/** What that would do; faults as it would, and changes nothing. */
export async function planDropArchived(deps: ServiceDeps, caller: Caller, wanted: EndedService): Promise<DryRunView> {
  return await planClaim(async (how) => await claimDropArchived(deps, caller, wanted, how))
}

async function claimDropArchived(
  deps: ServiceDeps,
  caller: Caller,
  wanted: EndedService,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const archive = await getArchive(db, caller.subscriptionId, wanted)
  await field.settle()
  return await transact(db, how, async (trx) => {
    const service = await lockEnded(trx, archive)
    requireFree(service)
    const server = (await listServers(trx)).find((one) => one.name === service.server)
    // Its own server would stay behind.
    if (server?.made_for === service.id && server.operation_id !== null) {
      throw new Fault('server.busy', 409, `'${server.name}' is in another operation`, {
        hint: `Watch it: mainstay sql server show ${server.name}`,
      })
    }
    if (server) requireReachable(field, primaryOf(server).machine, `the database of '${service.name}'`)
    const operationId = await insertOperation(trx, {
      kind: 'delete',
      caller,
      subject: { service: { id: service.id, name: service.name } },
      input: fateOf({ name: service.name, isDataDropped: true, isNow: true }),
      steps: DELETE_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    // Nobody brings it back from now on.
    await trx
      .updateTable('services')
      .set({ state: 'deleting', operation_id: operationId })
      .where('id', '=', service.id)
      .execute()
    const before = { endedAt: archive.created_at, dropDataAt: service.drop_data_at }
    await audit(trx, caller, { action: 'mobile archive delete', subject: service.name, before, operationId })
    await bumpDesired(trx)
    const what = `Forget '${service.name}', which ended at ${archive.created_at.toISOString()}`
    const drop = service.is_data_dropped ? [] : [await dropText(trx, service)]
    return { operationId, changes: [what, ...drop] }
  })
}
