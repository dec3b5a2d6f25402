// Gathers what a recovery's plan is decided from, inside the transaction that claims.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { regionNameOf } from '../databases/server-place.ts'
import { getServer, primaryOf, type ServerWithMembers, standbyOf } from '../databases/servers.ts'
import type { VaultDeps } from '../databases/vault-calls.ts'
import type { Incidents } from '../health/incidents.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Field } from '../regions/field.ts'
import { listMachines, listRegions } from '../regions/regions.ts'
import { listServices, type Service } from '../services/services.ts'
import { leaseLeftMs, type PartyFacts, type PlanFacts, type RestoreFacts, type Wish } from './plan.ts'

export type RecoveryDeps = {
  db: Kysely<ControlDatabase>
  field: Field
  board: FactBoard
  incidents: Incidents
  openKey: (service: Service) => string
  seal: Seal
  /** For a restore: which hosts have a vault, and the key of the backups. */
  vault: Omit<VaultDeps, 'field'>
}

const EARLIER_MAX = 20

/** The facts, as of now. */
export async function gatherFacts(
  trx: Kysely<ControlDatabase>,
  deps: RecoveryDeps,
  parties: { primary: Service; secondary: Service; isForced: boolean; wish: Wish; restore: RestoreFacts | null },
): Promise<PlanFacts> {
  const server = await getServer(trx, parties.primary.server)
  const regions = new Map((await listRegions(trx)).map((region) => [region.slug, region.name]))
  const domains = new Map((await listMachines(trx)).map((machine) => [machine.name, machine.domain]))
  const services = await listServices(trx, null)
  const nameOf = (id: string | null) => services.find((service) => service.id === id)?.name ?? null
  const party = (service: Service): PartyFacts => {
    const { verdict } = deps.incidents.get('service', service.id)
    const isJudged = service.state === 'ready'
    return {
      id: service.id,
      name: service.name,
      region: service.region,
      regionName: regions.get(service.region) ?? service.region,
      mode: service.mode,
      units: service.units,
      health: isJudged ? verdict.state : service.state,
      healthMessage: isJudged && verdict.state !== 'Ready' ? verdict.message : null,
      promisedTo: nameOf(service.secondary_for),
      operationId: service.operation_id,
    }
  }
  const standby = standbyOf(server)
  return {
    primary: party(parties.primary),
    secondary: party(parties.secondary),
    isForced: parties.isForced,
    wish: parties.wish,
    lossMsMax: parties.primary.loss_ms_max,
    restore: parties.restore,
    server: {
      name: server.name,
      isExternal: server.kind === 'external',
      primaryRegionName: regionNameOf(server, { domains, regions }),
      isAlive: isServerAlive(deps, server),
      standby: standby?.standing
        ? {
            machine: standby.machine,
            regionName: domains.get(standby.machine) ?? '',
            standing: standby.standing,
            isSynchronous: standby.is_synchronous,
          }
        : null,
      isPromoting: await isPromoting(trx, server.name),
      otherServices: services
        .filter((service) => service.server === server.name && service.id !== parties.primary.id)
        .map((service) => service.name),
      lastReport: lastReport(deps.board, server),
    },
    nowMs: Date.now(),
    leaseLeftMs: leaseLeftMs(deps.board.hostSilentMs(primaryOf(server).machine)),
    earlierMs: await earlierRecoveries(trx),
  }
}

/** True while a server's primary can be reached and says that it is open. */
export function isServerAlive(deps: Pick<RecoveryDeps, 'board' | 'field'>, server: ServerWithMembers): boolean {
  const { machine } = primaryOf(server)
  const facts = deps.board.host(machine)?.servers.find((entry) => entry.name === server.name)
  return deps.field.isReachable(machine) && facts?.state === 'running' && facts.role === 'primary'
}

/** What the primary of a server last reported of its position, in memory only: null after a restart of control. */
export function lastReport(
  board: FactBoard,
  server: ServerWithMembers,
): (NonNullable<PlanFacts['server']['lastReport']> & { lsn: string }) | null {
  const { machine } = primaryOf(server)
  const facts = board.host(machine)?.servers.find((entry) => entry.name === server.name)
  if (!facts?.lsn) return null
  return {
    ageMs: board.hostSilentMs(machine),
    lagBytes: facts.standby?.lagBytes ?? null,
    lagMs: facts.standby?.lagMs ?? null,
    lagTransactions: facts.standby?.lagTransactions ?? null,
    unsavedBytes: facts.backup?.behindBytes ?? null,
    lsn: facts.lsn,
  }
}

async function isPromoting(trx: Kysely<ControlDatabase>, server: string): Promise<boolean> {
  const running = await trx
    .selectFrom('operations')
    .select(['input', 'facts'])
    .where('kind', '=', 'recover')
    .where('state', 'in', ['running', 'needs_you'])
    .execute()
  return running.some(({ input, facts }) => input.server === server && facts.isPromoted === true)
}

async function earlierRecoveries(trx: Kysely<ControlDatabase>): Promise<number[]> {
  const rows = await trx
    .selectFrom('operations')
    .select(['report', 'plan'])
    .where('kind', '=', 'recover')
    .where('state', '=', 'succeeded')
    .orderBy('started_at', 'desc')
    .limit(EARLIER_MAX)
    .execute()
  // How long a restore takes is told by its size.
  const usual = rows.filter(({ plan }) => plan?.database.action !== 'restore')
  return usual.map((row) => row.report?.totalMs).filter((ms) => ms !== undefined)
}
