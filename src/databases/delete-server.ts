// Deleting a server with its copies: refused while anything lives on it; a machine that is away drops its copy later.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind } from '../operations/runner.ts'
import { type ServerDeps, untilDropped } from './server-operations.ts'
import { endServer, listServers, lockIdleServer, type ServerWithMembers, updateHeldServer } from './servers.ts'

const DELETE_SERVER_STEPS = [
  { name: 'close', sentence: 'Closing it' },
  { name: 'drop', sentence: 'Dropping its copies' },
]

export type DeleteServer = { name: string; isDataDropped: boolean }

/** Checks that it can be done and writes the operation. Returns its id. */
export async function beginDeleteServer(
  deps: ServerDeps,
  caller: Caller,
  wanted: DeleteServer,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimDeleteServer(deps, caller, wanted, how))
}

/** What a deletion would do; faults as it would, and changes nothing. */
export async function planDeleteServer(deps: ServerDeps, caller: Caller, wanted: DeleteServer): Promise<DryRunView> {
  return await planClaim(async (how) => await claimDeleteServer(deps, caller, wanted, how))
}

async function claimDeleteServer(
  { db, field }: ServerDeps,
  caller: Caller,
  wanted: DeleteServer,
  how: ClaimOptions,
): Promise<Claim> {
  await field.settle()
  return await transact(db, how, async (trx) => {
    const server = await lockIdleServer(trx, wanted.name)
    if (server.kind === 'external') {
      throw new Fault('server.external', 409, `${server.name} is an external server: its data is not ours to delete`, {
        hint: `To forget it, and leave it as it is: mainstay sql server detach ${server.name}`,
      })
    }
    const kept = await requireSpare(trx, server)
    if (kept.length > 0 && !wanted.isDataDropped) throw holdsData(server.name, kept)
    const operationId = await insertOperation(trx, {
      kind: 'delete_server',
      caller,
      subject: { server: server.name },
      input: { isDataDropped: wanted.isDataDropped },
      steps: DELETE_SERVER_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', server.name).execute()
    const machines = server.members.map(({ machine }) => machine).sort()
    const before = { machines, data: kept }
    await audit(trx, caller, { action: 'sql server delete', subject: server.name, before, operationId })
    const changes = [`Delete server ${server.name}, with its copies on ${machines.join(', ')}`]
    if (kept.length > 0) changes.push(`Drop the data that is kept there of ${kept.join(', ')}`)
    return { operationId, changes }
  })
}

/**
 * What is kept there of services that ended, by their names. Faults with `server.in_use` while a service uses it, and
 * with `server.is_default` for what a region needs for its next service.
 */
export async function requireSpare(trx: Kysely<ControlDatabase>, server: ServerWithMembers): Promise<string[]> {
  const { name } = server
  const living = await trx
    .selectFrom('services')
    .select('name')
    .where('server', '=', name)
    .where('ended_at', 'is', null)
  const services = (await living.orderBy('name').execute()).map((row) => row.name)
  if (services.length > 0) {
    throw new Fault('server.in_use', 409, `${name} holds the data of ${services.join(', ')}`, {
      hint: `Delete those first: mainstay mobile delete ${services[0]}`,
    })
  }
  const isLast = (await listServers(trx)).every(
    (other) => other.name === name || !other.is_default || other.home_region !== server.home_region,
  )
  if (server.is_default && isLast) {
    throw new Fault('server.is_default', 409, `${name} is where new services of its region go`, {
      hint: 'A region keeps one such server for as long as it has a host.',
    })
  }
  return await listKeptData(trx, name)
}

async function listKeptData(trx: Kysely<ControlDatabase>, server: string): Promise<string[]> {
  const rows = await trx
    .selectFrom('services')
    .select('name')
    .where('server', '=', server)
    .where('ended_at', 'is not', null)
    .where('is_data_dropped', '=', false)
    .orderBy('name')
    .execute()
  const former = await trx
    .selectFrom('former_schemas')
    .innerJoin('services', 'services.id', 'former_schemas.service_id')
    .select('name')
    .where('former_schemas.server', '=', server)
    .orderBy('name')
    .execute()
  return [...rows, ...former].map((row) => row.name)
}

function holdsData(server: string, kept: string[]): Fault {
  const message = `${server} keeps the data of ${kept.join(', ')}, which can be brought back`
  return new Fault('server.holds_data', 409, message, {
    hint: `To drop that as well: mainstay sql server delete ${server} --delete-data`,
  })
}

/** How a deletion is carried out. It only goes forward: once the server is closed nothing brings it back. */
export function deleteServerKind(deps: ServerDeps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      {
        name: 'close',
        async run({ operation, facts }) {
          const name = serverOf(operation)
          facts.version ??= await db.transaction().execute(async (trx) => {
            await trx
              .updateTable('services')
              .set({ state: 'deleted', is_data_dropped: true, drop_data_at: new Date() })
              .where('server', '=', name)
              .where('ended_at', 'is not', null)
              .where('is_data_dropped', '=', false)
              .execute()
            return await endServer(trx, name)
          })
          faultPoint('delete_server.close.ended')
          await field.push()
          return { kind: 'done' }
        },
      },
      { name: 'drop', run: async ({ operation }) => await untilDropped(deps, serverOf(operation)) },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeldServer(trx, operation, { operation_id: null })
        await end(trx, {})
      })
    },
    async fail({ operation, facts }, _fault, end) {
      const isEnded = facts.version !== undefined
      await db.transaction().execute(async (trx) => {
        await updateHeldServer(trx, operation, { operation_id: null })
        // Closed already: what is left to drop is dropped by whoever holds it, in its time.
        const next = `mainstay sql server delete ${serverOf(operation)}`
        await end(trx, isEnded ? { state: 'succeeded', error: null } : { state: 'failed', next })
      })
    },
  }
}
