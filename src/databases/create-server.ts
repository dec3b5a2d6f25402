// Creating a server: its row, its primary on a host of the region, and the standby that its protection asks for.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateServer, DryRunView, SyncPolicy } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind } from '../operations/runner.ts'
import { listHosts } from '../regions/hosts.ts'
import { getRegion, listRegions } from '../regions/regions.ts'
import { requireFreeServerName, requireServerName } from './server-names.ts'
import { type ServerDeps, standbyStep, untilOpen } from './server-operations.ts'
import { choosePrimaryHost } from './server-place.ts'
import { endServer, insertServer, isServerHeld, listServers } from './servers.ts'

const CREATE_SERVER_STEPS = [
  { name: 'server', sentence: 'Starting the server' },
  { name: 'standby', sentence: 'Building its standby' },
]

/** Checks everything and writes the server and its operation. Returns the operation's id. */
export async function beginCreateServer(
  deps: ServerDeps,
  caller: Caller,
  wanted: CreateServer,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimCreateServer(deps, caller, wanted, how))
}

/** What a creation would do; faults as it would, and changes nothing. */
export async function planCreateServer(deps: ServerDeps, caller: Caller, wanted: CreateServer): Promise<DryRunView> {
  return await planClaim(async (how) => await claimCreateServer(deps, caller, wanted, how))
}

async function claimCreateServer(
  { db, field, seal }: ServerDeps,
  caller: Caller,
  wanted: CreateServer,
  how: ClaimOptions,
): Promise<Claim> {
  const { name, protection = 'async', syncPolicy } = wanted
  requireSyncPolicy(protection, syncPolicy)
  requireServerName(name)
  await field.settle()
  const [first] = await listRegions(db)
  const region = wanted.location === undefined ? first : await getRegion(db, wanted.location)
  if (!region) throw new Fault('region.unknown', 404, 'there is no region yet', { hint: 'Start a host first.' })
  return await transact(db, how, async (trx) => {
    await requireFreeServerName(trx, name)
    const { reporting } = await listHosts(trx, field)
    const machine = choosePrimaryHost(region.name, { reporting, servers: await listServers(trx) })
    if (machine === null) {
      throw new Fault('region.unreachable', 503, `no host in ${region.name} can be reached`, {
        hint: 'Choose another region with --location, or see: mainstay status',
      })
    }
    await insertServer(trx, seal, { name, region: region.slug, machine, isDefault: false, protection, syncPolicy })
    const operationId = await insertOperation(trx, {
      kind: 'create_server',
      caller,
      subject: { server: name },
      input: { protection },
      steps: CREATE_SERVER_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', name).execute()
    const after = { region: region.name, machine, protection }
    await audit(trx, caller, { action: 'sql server create', subject: name, after, operationId })
    const changes = [`Create server ${name} in ${region.name}, on ${machine}`, protectionText(protection)]
    return { operationId, changes }
  })
}

/** What a protection comes to, in a sentence. */
export function protectionText(protection: string): string {
  if (protection === 'none') return 'Without protection: its data in one place only'
  const where = 'With a standby in another region'
  return protection === 'sync' ? `${where} that every commit waits for` : where
}

/** Faults with `server.no_sync_policy` for a policy of what is not asked for. */
export function requireSyncPolicy(protection: string, policy: SyncPolicy | undefined): void {
  if (policy === undefined || protection === 'sync') return
  throw new Fault('server.no_sync_policy', 400, 'a sync policy is for a synchronous standby only', {
    hint: 'Ask for it: --protection sync',
  })
}

/** How a creation is carried out. */
export function createServerKind(deps: ServerDeps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      { name: 'server', run: async ({ operation }) => await untilOpen(deps, serverOf(operation)) },
      standbyStep(deps, 'standby'),
    ],
    finish: async (_context, end) => await end(db, {}),
    async fail({ operation }, _fault, end) {
      await db.transaction().execute(async (trx) => {
        // While it is held nothing is on it.
        if (await isServerHeld(trx, operation)) await endServer(trx, serverOf(operation))
        await end(trx, { state: 'failed', next: 'mainstay sql server list' })
      })
      await field.push()
    },
  }
}
