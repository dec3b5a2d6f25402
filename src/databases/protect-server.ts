// Changing how a server is protected: a standby that comes, goes, or moves to another region. Online, and resumable.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView, Protection, ProtectServer } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind, StepContext, StepResult } from '../operations/runner.ts'
import { type Hosts, listHosts, requireReachable } from '../regions/hosts.ts'
import { bumpDesired, getRegion } from '../regions/regions.ts'
import { requireSyncPolicy } from './create-server.ts'
import { keepStranded } from './replaced-copy.ts'
import { askPrimary, type ServerDeps, standbyStep, stillWaiting, untilDropped } from './server-operations.ts'
import {
  getServer,
  isServerHeld,
  lockIdleServer,
  lockServerRow,
  primaryOf,
  removeStandby,
  requireManaged,
  type ServerWithMembers,
  standbyOf,
  updateHeldServer,
  wantsStandby,
} from './servers.ts'
import { findStandbyHost } from './standby-supply.ts'

const PROTECT_SERVER_STEPS = [
  { name: 'release', sentence: 'Releasing the standby it has' },
  { name: 'stranded', sentence: 'Keeping what the lost primary alone has' },
  { name: 'standby', sentence: 'Building its standby' },
]

/**
 * `from`: the machine whose standby goes. `replaces`: the machine with a quarantined copy in whose place the new one is
 * built. `region`: by name, where the new one is to be; null: anywhere else.
 */
type ProtectInput = {
  before: Protection
  protection: Protection
  from: string | null
  replaces: string | null
  region: string | null
}

/** Checks that it can be done and writes the operation. Returns its id. */
export async function beginProtectServer(
  deps: ServerDeps,
  caller: Caller,
  name: string,
  wanted: ProtectServer,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimProtect(deps, caller, name, wanted, how))
}

/** What a change of protection would do; faults as it would, and changes nothing. */
export async function planProtectServer(
  deps: ServerDeps,
  caller: Caller,
  name: string,
  wanted: ProtectServer,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimProtect(deps, caller, name, wanted, how))
}

async function claimProtect(
  { db, field }: ServerDeps,
  caller: Caller,
  name: string,
  wanted: ProtectServer,
  how: ClaimOptions,
): Promise<Claim> {
  await field.settle()
  const region = wanted.location === undefined ? null : (await getRegion(db, wanted.location)).name
  return await transact(db, how, async (trx) => {
    const server = await lockIdleServer(trx, name)
    requireManaged(server, 'how it is protected')
    requireReachable(field, primaryOf(server).machine, `the primary of ${name}`)
    const protection = wanted.protection ?? (server.protection === 'none' ? 'async' : server.protection)
    const hosts = await listHosts(trx, field)
    const regionOf = (machine: string) => hosts.hosts.find((host) => host.name === machine)?.domain ?? machine
    const standby = standbyOf(server)
    requireSyncPolicy(protection, wanted.syncPolicy)
    const syncPolicy = wanted.syncPolicy ?? server.sync_policy
    const isSamePolicy = protection !== 'sync' || syncPolicy === server.sync_policy
    const isWanted = wantsStandby({ protection })
    if (isWanted && region === regionOf(primaryOf(server).machine)) throw sameRegion(name, region)
    const isKept = standby !== null && isWanted && (region === null || regionOf(standby.machine) === region)
    if (server.protection === protection && isSamePolicy && (isWanted ? isKept : standby === null)) {
      throw new Fault('server.unchanged', 409, `${name} has that protection already: ${protection}`, {
        hint: `See how its standby stands: mainstay sql server show ${name}`,
      })
    }
    const isNeeded = isWanted && !isKept
    const free = isNeeded ? await findStandbyHost(trx, server, { hosts, region }) : null
    const replaces = isNeeded && free === null ? findReplaceable(server, { hosts, region }) : null
    const to = free ?? replaces
    if (isNeeded && to === null) throw noHost(server, region)
    const from = standby !== null && !isKept ? standby.machine : null
    const input: ProtectInput = { before: server.protection, protection, from, replaces, region }
    const operationId = await insertOperation(trx, {
      kind: 'protect_server',
      caller,
      subject: { server: name },
      input,
      steps: PROTECT_SERVER_STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    const change = { protection, sync_policy: syncPolicy, operation_id: operationId }
    await trx.updateTable('servers').set(change).where('name', '=', name).execute()
    // Nobody is to count on being waited for from this moment on.
    const members = trx.updateTable('server_members').set({ is_synchronous: false }).where('server', '=', name)
    if (protection !== 'sync') await members.execute()
    await bumpDesired(trx)
    const before = { protection: server.protection, standby: standby?.machine ?? null }
    const after = { protection, standby: isKept ? standby.machine : to }
    await audit(trx, caller, { action: 'sql server protect', subject: name, before, after, operationId })
    const changes = [
      ...(from ? [`Give up the standby of ${name} in ${regionOf(from)}, on ${from}, and drop its copy`] : []),
      ...(replaces ? [`Keep the writes that only the lost primary on ${replaces} has, then drop its copy`] : []),
      ...(to ? [`Build a standby of ${name} in ${regionOf(to)}, on ${to}`] : []),
      ...(from && to ? [`Until that is built, ${name} has no standby`] : []),
      ...(isKept ? [syncText(name, { protection, syncPolicy })] : []),
      ...(isWanted
        ? []
        : [
            `From then on the data of ${name} is in one place only${protection === 'vault' ? ', and in the vault' : ''}`,
          ]),
    ]
    return { operationId, changes }
  })
}

function syncText(name: string, { protection, syncPolicy }: { protection: Protection; syncPolicy: string }): string {
  if (protection !== 'sync') return `Commits of ${name} wait for no standby from then on`
  const alone = syncPolicy === 'block' ? 'and stand still without it' : 'and go on without it once that is recorded'
  return `Every commit of ${name} waits for its standby, ${alone}`
}

function sameRegion(name: string, region: string): Fault {
  return new Fault('server.same_region', 409, `the primary of ${name} is in ${region} itself`, {
    hint: 'A standby must be in another region: name it with --location.',
  })
}

// A host that is full of a lost primary: what that alone has is kept first.
function findReplaceable(
  server: ServerWithMembers,
  { hosts, region }: { hosts: Hosts; region: string | null },
): string | null {
  const home = hosts.hosts.find(({ name }) => name === primaryOf(server).machine)?.domain
  const isGood = ({ domain }: { domain: string }) => (region === null ? domain !== home : domain === region)
  const quarantined = new Set(server.members.filter(({ role }) => role === 'quarantined').map(({ machine }) => machine))
  return hosts.reporting.find((host) => quarantined.has(host.name) && isGood(host))?.name ?? null
}

function noHost(server: ServerWithMembers, region: string | null): Fault {
  const where = region ?? 'another region'
  const message = `no host of ${where} that can be reached is free for a standby of ${server.name}`
  return new Fault('server.no_host', 503, message, { hint: 'See which report: mainstay status' })
}

/** How a change of protection is carried out. */
export function protectServerKind(deps: ServerDeps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      { name: 'release', run: async (context) => await release(deps, context) },
      { name: 'stranded', isEndless: true, run: async (context) => await keepStranded(deps, context) },
      standbyStep(deps, 'standby', (operation) => inputOf(operation).region),
    ],
    finish: async (_context, end) => await end(db, {}),
    async fail({ operation, facts }, _fault, end) {
      const name = serverOf(operation)
      const { before } = inputOf(operation)
      // While the standby is still there it stays, and comes back into force by itself.
      const protection = facts.isRemoved === true ? {} : { protection: before }
      await db.transaction().execute(async (trx) => {
        if (await isServerHeld(trx, operation)) {
          await trx.updateTable('server_members').set({ is_leaving: false }).where('server', '=', name).execute()
          await updateHeldServer(trx, operation, { ...protection, operation_id: null })
        }
        await end(trx, { state: 'failed', next: `mainstay sql server show ${name}` })
      })
      await field.push()
    },
  }
}

// First the primary learns that it needs no proof any more, then the copy goes: the other way round it would be shut.
async function release(deps: ServerDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const name = serverOf(operation)
  const { from } = inputOf(operation)
  if (from === null) return { kind: 'done', detail: 'nothing is to be given up' }
  if (facts.isRemoved !== true) {
    facts.version ??= await db.transaction().execute(async (trx) => {
      await lockServerRow(trx, name)
      const standby = trx.updateTable('server_members').where('server', '=', name).where('machine', '=', from)
      const leaving = { standing: 'released' as const, is_synchronous: false, is_leaving: true }
      await standby.where('role', '=', 'standby').set(leaving).execute()
      return await bumpDesired(trx)
    })
    faultPoint('protect_server.release.released')
    await field.push()
    const server = await getServer(db, name)
    const primary = await askPrimary(deps, server)
    if (primary?.lease.kind !== 'free' || primary.version < Number(facts.version)) {
      return stillWaiting(`${primaryOf(server).machine} to go on without it`)
    }
    await db.transaction().execute(async (trx) => {
      await lockServerRow(trx, name)
      await removeStandby(trx, name, from)
    })
    facts.isRemoved = true
    faultPoint('protect_server.release.removed')
  }
  return await untilDropped(deps, name)
}

function inputOf(operation: { input: Record<string, unknown> }): ProtectInput {
  // Written by claimProtect, whose type this is.
  return operation.input as ProtectInput
}
