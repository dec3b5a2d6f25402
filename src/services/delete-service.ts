// Deleting a mobile service: closed first, then its data kept or dropped, as asked.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { untilDropped } from '../databases/server-operations.ts'
import { getServer, listServers, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { DELETED_KEEP_MS } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serviceIdOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { notYet, type OperationKind } from '../operations/runner.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import { archiveOf } from './archive.ts'
import type { ServiceDeps } from './create-service.ts'
import { isNotServed, schemaProblem } from './facts-of.ts'
import { endOwnServer, isAloneOnOwnServer } from './own-server.ts'
import { getService, getServiceById, listTables, lockServices, type Service, updateHeld } from './services.ts'

const WAIT_MS = 30

const DELETE_STEPS = [
  { name: 'close', sentence: 'Closing it' },
  { name: 'data', sentence: 'Settling its data' },
]

/** `isKeptForAWhile`: what is to be dropped is dropped in a month, and can be brought back until then. */
export type DeleteService = { name: string; isDataDropped: boolean; isKeptForAWhile?: boolean }

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginDelete(
  deps: ServiceDeps,
  caller: Caller,
  wanted: DeleteService,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimDelete(deps, caller, wanted, how))
}

/** What a deletion would do; faults as it would, and changes nothing. */
export async function planDelete(deps: ServiceDeps, caller: Caller, wanted: DeleteService): Promise<DryRunView> {
  return await planClaim(async (how) => await claimDelete(deps, caller, wanted, how))
}

async function claimDelete(
  deps: ServiceDeps,
  caller: Caller,
  wanted: DeleteService,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const found = await getService(db, caller.subscriptionId, wanted.name)
  requireFree(found)
  await field.settle()
  const server = await getServer(db, found.server)
  requireReachable(field, primaryOf(server).machine, `the database of '${found.name}'`)
  return await transact(db, how, async (trx) => {
    const [service] = await lockServices(trx, [found.id])
    if (!service) throw new Fault('service.unknown', 404, `there is no mobile service '${wanted.name}'`)
    requireFree(service)
    const operationId = await insertOperation(trx, {
      kind: 'delete',
      caller,
      subject: { service: { id: service.id, name: service.name } },
      input: { isDataDropped: wanted.isDataDropped, isKeptForAWhile: wanted.isKeptForAWhile === true },
      steps: DELETE_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx
      .updateTable('services')
      .set({ state: 'deleting', operation_id: operationId })
      .where('id', '=', service.id)
      .execute()
    const after = { isDataDropped: wanted.isDataDropped, isKeptForAWhile: wanted.isKeptForAWhile }
    await audit(trx, caller, { action: 'mobile delete', subject: service.name, after, operationId })
    await bumpDesired(trx)
    return { operationId, changes: await deletionText(trx, service, wanted) }
  })
}

async function deletionText(
  trx: Kysely<ControlDatabase>,
  service: Service,
  { isDataDropped, isKeptForAWhile }: DeleteService,
): Promise<string[]> {
  const tables = (await listTables(trx, [service.id])).map(({ name }) => name)
  const what = tables.length === 0 ? 'no tables' : tables.join(', ')
  if (isDataDropped && isKeptForAWhile) {
    const days = DELETED_KEEP_MS / 86_400_000
    return [`Delete '${service.name}' on ${service.machine}`, `Keep its data for ${days} days, then drop it: ${what}`]
  }
  if (isDataDropped && (await isAloneOnOwnServer(trx, service))) {
    return [`Delete '${service.name}' on ${service.machine}`, `Drop its server ${service.server} and its data: ${what}`]
  }
  const data = isDataDropped
    ? `Drop its data on ${service.server}: ${what}`
    : `Keep its data on ${service.server} in schema ${service.schema_name}: ${what}`
  return [`Delete '${service.name}' on ${service.machine}`, data]
}

// Looked at first, too: who asks in the middle of a recovery is told of that, not of the region that is lost.
function requireFree(service: Service): void {
  if (service.operation_id === null) return
  throw new Fault('service.busy', 409, `'${service.name}' is in another operation`, {
    hint: `Watch it: mainstay mobile show ${service.name}`,
  })
}

/** How a deletion is carried out. */
export function deleteKind(deps: ServiceDeps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      {
        name: 'close',
        async run({ operation }) {
          const service = await getServiceById(db, serviceIdOf(operation))
          await field.push()
          // A lost home serves nobody; when it returns it reads what is wanted before it opens anything.
          if (!field.isReachable(service.machine)) return { kind: 'done', detail: 'its home cannot be reached' }
          if (isNotServed(await field.askHost(service.machine), service.name)) return { kind: 'done' }
          return notYet(`${service.machine} to stop serving it`, WAIT_MS)
        },
      },
      {
        name: 'data',
        async run({ operation, facts }) {
          const service = await getServiceById(db, serviceIdOf(operation))
          const isWhole = operation.input.isDataDropped === true
          const isDropped = isWhole && operation.input.isKeptForAWhile !== true
          const dropAt = isWhole && !isDropped ? new Date(Date.now() + DELETED_KEEP_MS) : null
          facts.version ??= await db.transaction().execute(async (trx) => {
            if (service.ended_at === null)
              await trx
                .insertInto('archives')
                .values(await archiveOf(trx, service, 'deleted'))
                .execute()
            const state = isDropped ? 'deleted' : 'archived'
            await updateHeld(trx, operation, { state, ended_at: new Date(), drop_data_at: dropAt })
            if (isDropped) await endOwnServer(trx, service)
            return await bumpDesired(trx)
          })
          faultPoint('delete.data.ended')
          if (await isServerGone(db, service.server)) return await untilDropped(deps, service.server)
          await field.push()
          const server = await getServer(db, service.server)
          const version = Number(facts.version)
          const wanted = { server: service.server, schema: service.schema_name, version }
          const found = schemaProblem(await field.askHost(primaryOf(server).machine), wanted)
          if (found)
            throw new Fault(
              'service.schema_failed',
              500,
              `the schema of '${service.name}' could not be closed: ${found}`,
            )
          if (found === undefined) return notYet(`${service.server} to close its schema`, WAIT_MS)
          return {
            kind: 'done',
            detail: isDropped ? 'its data is dropped' : `its data is kept in schema ${service.schema_name}`,
          }
        },
      },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeld(trx, operation, { operation_id: null })
        await end(trx, {})
      })
    },
    async fail({ operation }, _fault, end) {
      const service = await getServiceById(db, serviceIdOf(operation))
      // Ended already: what is left to do on its server is done when it can be reached. Not ended: as it was.
      const isEnded = service.ended_at !== null
      await db.transaction().execute(async (trx) => {
        await updateHeld(trx, operation, isEnded ? { operation_id: null } : { operation_id: null, state: 'ready' })
        await bumpDesired(trx)
        await end(
          trx,
          isEnded ? { state: 'succeeded', error: null } : { state: 'failed', next: retryCommand(service.name) },
        )
      })
      await field.push()
    },
  }
}

async function isServerGone(db: Kysely<ControlDatabase>, server: string): Promise<boolean> {
  return (await listServers(db)).every(({ name }) => name !== server)
}

function retryCommand(name: string): string {
  return `mainstay mobile delete ${name}`
}
