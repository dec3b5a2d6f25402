// A promotion without a service: the database died, and what it served is elsewhere or stays where it is.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView, PromoteServer } from '../contract/api.ts'
import {
  lockIdleServer,
  primaryOf,
  requireManaged,
  type ServerWithMembers,
  standbyOf,
  updateHeldServer,
} from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { PROMOTION_LOSS_MS_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind } from '../operations/runner.ts'
import { listHosts, requireReachable } from '../regions/hosts.ts'
import { listServices } from '../services/services.ts'
import { predictLoss, requireAcceptedLoss } from './predicted-loss.ts'
import { type PromotionFacts, promoteStandby } from './promotion.ts'
import { isServerAlive, lastReport, type RecoveryDeps } from './recover-facts.ts'
import { openPrimary } from './switch-steps.ts'

const STEPS = [
  { name: 'database', sentence: 'Promoting its standby' },
  { name: 'open', sentence: 'Having what uses it follow' },
]

// A machine that does not answer just now is waited for.
const PASSING = ['door.unreachable']

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginPromoteServer(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: PromoteServer,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimPromote(deps, caller, name, wanted, how))
}

/** What a promotion would do and may lose; faults as it would, and changes nothing. */
export async function planPromoteServer(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: PromoteServer,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimPromote(deps, caller, name, wanted, how))
}

async function claimPromote(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: PromoteServer,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  await field.settle()
  return await transact(db, how, async (trx) => {
    const server = await lockIdleServer(trx, name)
    requireManaged(server, 'who of its hosts takes over')
    const { hosts } = await listHosts(trx, field)
    const regionOf = (machine: string) => hosts.find((host) => host.name === machine)?.domain ?? machine
    const to = requirePromotable(deps, server)
    const from = primaryOf(server).machine
    const loss = predictLoss(promotionFacts(deps, server, regionOf), 'promote', null)
    const { acceptedLossMs } = wanted
    requireAcceptedLoss(loss, { acceptedLossMs, lossMsMax: PROMOTION_LOSS_MS_MAX, isNamed: false })
    const operationId = await insertOperation(trx, {
      kind: 'promote_server',
      caller,
      subject: { server: name },
      input: { from, to },
      steps: STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', name).execute()
    const [before, after] = [{ primary: from }, { primary: to }]
    await audit(trx, caller, { action: 'sql server promote', subject: name, before, after, operationId })
    const services = (await listServices(trx, null)).filter((service) => service.server === name)
    const changes = [
      `Promote the standby of ${name} in ${regionOf(to)}; what ${regionOf(from)} has is quarantined when it is back`,
      `Loss: ${loss.sentence}`,
      services.length === 0
        ? 'No mobile service uses it'
        : `The data of ${services.map((service) => service.name).join(', ')} moves along; they stay where they are`,
    ]
    return { operationId, changes }
  })
}

function requirePromotable(deps: RecoveryDeps, server: ServerWithMembers): string {
  const { name } = server
  if (isServerAlive(deps, server)) {
    throw new Fault('recovery.database_alive', 409, `${name} is alive on ${primaryOf(server).machine}`, {
      hint: `Its standby takes over without a loss by: mainstay sql server switchover ${name}`,
    })
  }
  const standby = standbyOf(server)
  if (standby?.standing === 'ready') {
    requireReachable(deps.field, standby.machine, `the standby of ${name}`)
    return standby.machine
  }
  const standing = standby ? `its standby is ${standby.standing}` : 'it has no standby'
  throw new Fault('recovery.no_database', 409, `${name} cannot be reached and ${standing}`, {
    hint: `What the vault has of it is restored by: mainstay sql restore ${name}`,
  })
}

function promotionFacts(deps: RecoveryDeps, server: ServerWithMembers, regionOf: (machine: string) => string) {
  const standby = standbyOf(server)
  return {
    wish: { database: 'promote' as const, target: null, acceptedLossMs: undefined },
    nowMs: Date.now(),
    server: {
      name: server.name,
      primaryRegionName: regionOf(primaryOf(server).machine),
      isAlive: false,
      standby: standby?.standing
        ? {
            machine: standby.machine,
            regionName: regionOf(standby.machine),
            standing: standby.standing,
            isSynchronous: standby.is_synchronous,
          }
        : null,
      isPromoting: false,
      otherServices: [],
      lastReport: lastReport(deps.board, server),
    },
  }
}

/** How a promotion is carried out. Once it is decided it only goes forward. */
export function promoteServerKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      {
        name: 'database',
        passing: PASSING,
        run: async (context) =>
          await promoteStandby(deps, context, { server: serverOf(context.operation), isOldPrimaryStopped: false }),
      },
      {
        name: 'open',
        passing: PASSING,
        run: async (context) => await openPrimary(deps, context, serverOf(context.operation)),
      },
    ],
    async finish({ operation }, end) {
      await db.transaction().execute(async (trx) => {
        await updateHeldServer(trx, operation, { operation_id: null })
        await end(trx, {})
      })
    },
    async fail({ operation, facts }, fault, end) {
      const name = serverOf(operation)
      const isPromoted = (facts as PromotionFacts).isPromoted === true
      await db.transaction().execute(async (trx) => {
        await updateHeldServer(trx, operation, { operation_id: null })
        const next = isPromoted
          ? `mainstay sql server show ${name}`
          : (fault.hint ?? `mainstay sql server show ${name}`)
        await end(trx, { state: 'failed', next })
      })
    },
  }
}
