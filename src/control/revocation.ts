// Revoking a machine: what it holds stands against it, unless the operator gives that up.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { FaultView, RevocationView, RevokeRequest } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { releaseStandbysOn } from '../databases/revoked-members.ts'
import { listServers } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired, getMachine, markRevoked } from '../regions/regions.ts'
import { listServices } from '../services/services.ts'
import { viewMachine } from './machine-views.ts'

/** What a machine holds. `secondary` is the service that a recovery of this one would use. */
export type Holdings = {
  primaries: string[]
  standbys: string[]
  services: { name: string; secondary: string | null }[]
}

export type RevocationDeps = { db: Kysely<ControlDatabase>; board: FactBoard }

/** Why a machine is not revoked without force, and the command that moves what it holds; null when it holds nothing. */
export function refusalOf(machine: string, holdings: Holdings): FaultView | null {
  const { primaries, services } = holdings
  const held = [
    ...(primaries.length > 0 ? [`the primary of ${primaries.join(', ')}`] : []),
    ...(services.length > 0 ? [`the home of ${services.map(({ name }) => name).join(', ')}`] : []),
  ]
  if (held.length === 0) return null
  return { code: 'machine.in_use', message: `${machine} holds ${held.join(' and ')}`, hint: moveHint(services) }
}

/** Revokes a machine, or only says what would happen. Faults with `machine.unknown`, `machine.in_use`. */
export async function revokeMachine(
  deps: RevocationDeps,
  caller: Caller,
  request: RevokeRequest & { name: string },
): Promise<RevocationView> {
  const { name } = request
  const done = await deps.db.transaction().execute(async (trx) => {
    // Promotions lock these rows: what is a standby now is not a primary before we are done.
    await trx.selectFrom('servers').select('name').orderBy('name').forUpdate().execute()
    const machine = await getMachine(trx, name)
    const holdings = await readHoldings(trx, name)
    const refusal = refusalOf(name, holdings)
    if (request.isDryRun === true || machine.revoked_at !== null) return { holdings, refusal }
    if (refusal && request.isForced !== true) {
      throw new Fault('machine.in_use', 409, refusal.message, refusal.hint === undefined ? {} : { hint: refusal.hint })
    }
    await markRevoked(trx, name)
    await releaseStandbysOn(trx, name)
    await audit(trx, caller, { action: 'machine revoke', subject: name, before: holdings })
    await bumpDesired(trx)
    return { holdings, refusal }
  })
  const machine = await getMachine(deps.db, name)
  // What it said last counts no more: it is judged as lost from now on.
  if (machine.revoked_at !== null) deps.board.forget(name)
  const { primaries, standbys, services } = done.holdings
  return {
    machine: viewMachine(deps.board, machine),
    isRevoked: machine.revoked_at !== null,
    primaries,
    standbys,
    services: services.map((service) => service.name),
    refusal: done.refusal,
  }
}

async function readHoldings(trx: Kysely<ControlDatabase>, machine: string): Promise<Holdings> {
  const servers = await listServers(trx)
  const services = await listServices(trx, null)
  const holding = (role: string) =>
    servers
      .filter(({ members }) => members.some((member) => member.machine === machine && member.role === role))
      .map((server) => server.name)
  return {
    primaries: holding('primary'),
    standbys: holding('standby'),
    services: services
      .filter((service) => service.machine === machine)
      .map(({ id, name }) => ({ name, secondary: services.find((one) => one.secondary_for === id)?.name ?? null })),
  }
}

function moveHint(services: Holdings['services']): string {
  const movable = services.find((service) => service.secondary !== null)
  if (movable) return `Move it first: mainstay mobile recover ${movable.name} ${movable.secondary} --force`
  const [first] = services
  if (!first) return 'No service is at home there. If what lies in that server can be given up, add --force.'
  return `Give it somewhere to go first: mainstay mobile create ${first.name}-2 --secondary-for ${first.name}`
}
