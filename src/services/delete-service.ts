// Deleting a mobile service: closed first, then its data is kept, kept for a while, or dropped, as asked.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { untilDropped } from '../databases/server-operations.ts'
import { getServer, listServers, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { DELETED_KEEP_DAYS, DELETED_KEEP_MS } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, type Operation, serviceIdOf } from '../operations/operations.ts'
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

/** Its steps, in their order. */
export const DELETE_STEPS = [
  { name: 'close', sentence: 'Closing it' },
  { name: 'data', sentence: 'Settling its data' },
]

/** What is to be dropped is dropped in a month, and can be brought back until then; `isNow`: it is dropped at once. */
export type DeleteService = { name: string; isDataDropped: boolean; isNow?: boolean }

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
  if (wanted.isNow && !wanted.isDataDropped) {
    throw new Fault('service.bad_deletion', 400, 'now says when the data goes, and no data is to go', {
      hint: 'Say that it goes as well (deleteData), or leave out when.',
    })
  }
  const found = await getService(db, caller.subscriptionId, wanted.name)
  // Looked at first, too: who asks in the middle of a recovery is told of that, not of the region that is lost.
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
      input: fateOf(wanted),
      steps: DELETE_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx
      .updateTable('services')
      .set({ state: 'deleting', operation_id: operationId })
      .where('id', '=', service.id)
      .execute()
    await audit(trx, caller, { action: 'mobile delete', subject: service.name, after: fateOf(wanted), operationId })
    await bumpDesired(trx)
    return { operationId, changes: await deletionText(trx, service, wanted) }
  })
}

/** What the operation is told to do with the data, in the words of the release before, which may carry it out. */
type Fate = { isDataDropped: boolean; isKeptForAWhile: boolean }

/** What a wish comes to. */
export function fateOf({ isDataDropped, isNow }: DeleteService): Fate {
  return { isDataDropped, isKeptForAWhile: isDataDropped && isNow !== true }
}

async function deletionText(trx: Kysely<ControlDatabase>, service: Service, wanted: DeleteService): Promise<string[]> {
  const { isDataDropped, isKeptForAWhile } = fateOf(wanted)
  const deletion = `Delete '${service.name}' on ${service.machine}`
  if (isDataDropped && !isKeptForAWhile) return [deletion, await dropText(trx, service)]
  const what = await tablesText(trx, service)
  if (!isDataDropped) {
    return [deletion, `Keep its data on ${service.server} in schema ${service.schema_name}: ${what}`]
  }
  const also = (await isAloneOnOwnServer(trx, service)) ? `and its server ${service.server} ` : ''
  const then = also === '' ? 'then drop it' : 'then drop both'
  return [deletion, `Keep its data ${also}for ${DELETED_KEEP_DAYS} days, ${then}: ${what}`]
}

/** What a drop of a service's data comes to, in a sentence. */
export async function dropText(trx: Kysely<ControlDatabase>, service: Service): Promise<string> {
  const what = await tablesText(trx, service)
  if (await isAloneOnOwnServer(trx, service)) return `Drop its server ${service.server} and its data: ${what}`
  return `Drop its data on ${service.server}: ${what}`
}

async function tablesText(trx: Kysely<ControlDatabase>, service: Service): Promise<string> {
  const tables = (await listTables(trx, [service.id])).map(({ name }) => name)
  return tables.length === 0 ? 'no tables' : tables.join(', ')
}

/** Faults with `service.busy` while an operation holds a service. */
export function requireFree(service: Service): void {
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
          // It ended before: whom its home serves under that name is another.
          if (service.ended_at !== null) return { kind: 'done' }
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
          const isDropped = isDroppedNow(operation)
          const now = new Date()
          facts.version ??= await db.transaction().execute(async (trx) => {
            if (service.ended_at === null)
              await trx
                .insertInto('archives')
                .values(await archiveOf(trx, service, 'deleted'))
                .execute()
            const state = isDropped ? 'deleted' : 'archived'
            const dates = { ended_at: service.ended_at ?? now, drop_data_at: dropAt(operation, now) }
            await updateHeld(trx, operation, { state, ...dates })
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
          if (isDropped) return { kind: 'done', detail: 'its data is dropped' }
          const until = (await getServiceById(db, service.id)).drop_data_at
          const kept = `its data is kept in schema ${service.schema_name}`
          return { kind: 'done', detail: until === null ? kept : `${kept} until ${until.toISOString()}` }
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
      // Settled already: what is left to do on its server is done when it can be reached. Otherwise: as it was.
      const isSettled = service.state !== 'deleting'
      const before = service.ended_at === null ? ('ready' as const) : ('archived' as const)
      await db.transaction().execute(async (trx) => {
        await updateHeld(trx, operation, { operation_id: null, ...(isSettled ? {} : { state: before }) })
        await bumpDesired(trx)
        await end(
          trx,
          isSettled ? { state: 'succeeded', error: null } : { state: 'failed', next: retryCommand(service) },
        )
      })
      await field.push()
    },
  }
}

async function isServerGone(db: Kysely<ControlDatabase>, server: string): Promise<boolean> {
  return (await listServers(db)).every(({ name }) => name !== server)
}

function isDroppedNow({ input }: Operation): boolean {
  return input.isDataDropped === true && input.isKeptForAWhile !== true
}

// When the data goes, or went.
function dropAt(operation: Operation, now: Date): Date | null {
  if (isDroppedNow(operation)) return now
  return operation.input.isDataDropped === true ? new Date(now.getTime() + DELETED_KEEP_MS) : null
}

function retryCommand({ name, ended_at }: Service): string {
  return ended_at === null ? `mainstay mobile delete ${name}` : `mainstay mobile archive delete ${name}`
}
