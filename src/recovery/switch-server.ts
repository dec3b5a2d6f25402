// A planned move of a server without a service: its primary and its standby change roles, and no request fails.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import { standbyStep } from '../databases/server-operations.ts'
import {
  lockIdleServer,
  primaryOf,
  requireManaged,
  type ServerWithMembers,
  standbyOf,
  updateHeldServer,
} from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind } from '../operations/runner.ts'
import { listHosts, requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import { listServices } from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import {
  changeRoles,
  holdOfServer,
  holdRequests,
  openPrimary,
  prepareMove,
  releaseRequests,
  type ServerMove,
  type SwitchFacts,
} from './switch-steps.ts'

export const SWITCH_SERVER_STEPS = [
  { name: 'prepare', sentence: 'Writing what is in memory, and waiting for the standby' },
  { name: 'hold', sentence: 'Holding requests' },
  { name: 'swap', sentence: 'Stopping the primary, and changing roles' },
  { name: 'open', sentence: 'Opening the new primary' },
  { name: 'release', sentence: 'Letting requests go on' },
  { name: 'follow', sentence: 'Letting the old primary follow' },
]

// A machine that does not answer just now is waited for.
const PASSING = ['door.unreachable']

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginSwitchServer(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimSwitchServer(deps, caller, name, how))
}

/** What a move would do; faults as it would, and changes nothing. */
export async function planSwitchServer(deps: RecoveryDeps, caller: Caller, name: string): Promise<DryRunView> {
  return await planClaim(async (how) => await claimSwitchServer(deps, caller, name, how))
}

async function claimSwitchServer(
  { db, field }: RecoveryDeps,
  caller: Caller,
  name: string,
  how: ClaimOptions,
): Promise<Claim> {
  await field.settle()
  return await transact(db, how, async (trx) => {
    const server = await lockIdleServer(trx, name)
    const move = requireMovable(server, field)
    const { hosts } = await listHosts(trx, field)
    const regionOf = (machine: string) => hosts.find((host) => host.name === machine)?.domain ?? machine
    const services = (await listServices(trx, null)).filter((service) => service.server === name)
    const operationId = await insertOperation(trx, {
      kind: 'switchover_server',
      caller,
      subject: { server: name },
      input: move,
      steps: SWITCH_SERVER_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', name).execute()
    const [before, after] = [{ primary: move.from }, { primary: move.to }]
    await audit(trx, caller, { action: 'sql server switchover', subject: name, before, after, operationId })
    const changes = [
      `Move the primary of ${name} from ${regionOf(move.from)} to ${regionOf(move.to)}; its standby is then in ${regionOf(move.from)}`,
      services.length === 0
        ? 'No mobile service uses it'
        : `Hold the requests of ${services.map((service) => service.name).join(', ')} meanwhile, as a rule for under 2 s`,
    ]
    return { operationId, changes }
  })
}

/** Between which machines a server's primary would move. Faults with `switchover.*` or `region.unreachable`. */
export function requireMovable(server: ServerWithMembers, field: RecoveryDeps['field']): ServerMove {
  const { name } = server
  requireManaged(server, 'which of its hosts is the primary')
  const from = primaryOf(server).machine
  const standby = standbyOf(server)
  requireReachable(field, from, `the primary of ${name}`)
  if (!standby) {
    throw new Fault('switchover.no_standby', 409, `${name} has no standby that could take over`, {
      hint: `Give it one: mainstay sql server protect ${name}`,
    })
  }
  requireReachable(field, standby.machine, `the standby of ${name}`)
  if (standby.standing !== 'ready' || standby.is_leaving) {
    throw new Fault('switchover.standby_not_ready', 409, `the standby of ${name} is ${standby.standing}`, {
      hint: `It is ready when it has caught up; see: mainstay sql server show ${name}`,
    })
  }
  return { server: name, from, to: standby.machine }
}

/** How a move is carried out. */
export function switchServerKind(deps: RecoveryDeps): OperationKind {
  const { db, field } = deps
  type Row = { input: Record<string, unknown> }
  // Written by claimSwitchServer, whose type this is.
  const moveOf = (operation: Row) => operation.input as ServerMove
  const holdOf = (operation: Row) => holdOfServer(db, moveOf(operation))
  return {
    steps: [
      { name: 'prepare', run: async ({ operation }) => await prepareMove(deps, moveOf(operation)) },
      { name: 'hold', run: async (context) => await holdRequests(deps, context, holdOf(context.operation)) },
      { name: 'swap', run: async (context) => await changeRoles(deps, context, moveOf(context.operation)) },
      {
        name: 'open',
        passing: PASSING,
        isEndless: true,
        run: async (context) => await openPrimary(deps, context, serverOf(context.operation)),
      },
      {
        name: 'release',
        passing: PASSING,
        run: async (context) => await releaseRequests(deps, context, holdOf(context.operation)),
      },
      standbyStep(deps, 'follow'),
    ],
    finish: async (_context, end) => await end(db, {}),
    async fail({ operation, facts }, fault, end) {
      // Requests go on in the new place already: what is left is looked after like any other server.
      const isDone = (facts as SwitchFacts).openedAt !== undefined
      await db.transaction().execute(async (trx) => {
        await holdOf(operation).end(trx)
        await updateHeldServer(trx, operation, { operation_id: null })
        await bumpDesired(trx)
        const next = `mainstay sql server show ${serverOf(operation)}`
        await end(trx, isDone ? { state: 'succeeded', error: null } : { state: 'failed', next: fault.hint ?? next })
      })
      await field.push()
    },
  }
}
