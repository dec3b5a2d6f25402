// The rows and facts of the cloud as the management API shows them.
import type { Kysely } from 'kysely'
import { DEFAULT_SUBSCRIPTION } from '../accounts/caller.ts'
import type { RegionView, Role, ServerView, ServiceView, StatusView, Topic } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { repositoryUrlOf } from '../contract/deployment.ts'
import type { SandboxLevel, ServerState } from '../contract/facts.ts'
import { SERVICES_PATH } from '../contract/protocols.ts'
import { type FormerSchema, listFormerSchemas } from '../databases/former-schemas.ts'
import { regionNameOf } from '../databases/server-place.ts'
import { isDefaultOf, listServers, primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import { serviceHealth, standingHealth } from '../health/health-view.ts'
import { listIncidents } from '../health/incident-list.ts'
import type { Incidents } from '../health/incidents.ts'
import { HEARTBEAT_SILENT_MS, LIST_ROWS_MAX } from '../kit/limits.ts'
import { newestOf } from '../operations/newest.ts'
import { listOperations } from '../operations/operations.ts'
import { listFormerHomes } from '../recovery/former-home.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { runtimeOf } from '../regions/field.ts'
import { usageOf } from '../regions/ledger.ts'
import { listMachines, listRegions } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { listHoldings, listServices, listTables, type Service } from '../services/services.ts'
import { listRepositories } from '../source/repository-rows.ts'
import type { OpenSecret } from './assignments.ts'
import { viewArchive, viewControls } from './control-view.ts'
import { listControls } from './election.ts'
import type { Lineage } from './lineage.ts'
import { exposureOf, viewServers } from './server-view.ts'
import { listWarnings } from './warnings.ts'

// What a server is in before it is open for the first time; when it lasts, it is a verdict.
const NOT_OPEN_YET = new Set<ServerState>(['starting', 'waiting', 'promoting'])

/** Of all operations only the newest change. */
const TOPIC_OPERATIONS = 50

export type ViewDeps = {
  db: Kysely<ControlDatabase>
  board: FactBoard
  incidents: Incidents
  open: OpenSecret
  gatewayUrl: string
  /** Where people find the portal, and git the repositories. */
  portalUrl: string
  domain: string
  lineage: Lineage
}

/** All regions. */
export async function viewRegions(deps: ViewDeps): Promise<RegionView[]> {
  const holdings = await listHoldings(deps.db)
  const machines = await listMachines(deps.db)
  const servers = await listServers(deps.db)
  return (await listRegions(deps.db)).map((region) => {
    const usage = usageOf({ region: region.slug }, holdings)
    const hosts = machines.filter((machine) => machine.role === 'host' && machine.domain === region.name)
    const reporting = hosts.filter(
      (host) => deps.board.hasHeardHost(host.name) && deps.board.hostSilentMs(host.name) < HEARTBEAT_SILENT_MS,
    )
    const ownServers = servers.filter((server) => isDefaultOf(region.slug, server))
    const { set, total } = roomOf(region, machines, deps.board).offer
    // What was set is shown also while no host of the region reports: it is what will be there again.
    const shown = reporting.length > 0 ? total : (set ?? total)
    return {
      name: region.name,
      slug: region.slug,
      health: isRegionOpen(deps.board, reporting, ownServers)
        ? standingHealth(deps.incidents.get('region', region.slug), null)
        : startingOr(standingHealth(deps.incidents.get('region', region.slug), null)),
      reservedUnits: shown.reservedUnits,
      reservedUnitsUsed: usage.reservedUnits,
      sharedSlots: shown.sharedSlots,
      sharedSlotsUsed: usage.sharedSlots,
      hosts: reporting.length,
    }
  })
}

// A region can take a service once a host of it reports a default server that is open.
function isRegionOpen(board: FactBoard, hosts: { name: string }[], servers: ServerWithMembers[]): boolean {
  const names = new Set(servers.map((server) => server.name))
  const facts = hosts.flatMap((host) => board.host(host.name)?.servers ?? [])
  return facts.some((server) => names.has(server.name) && server.role === 'primary' && server.state === 'running')
}

function startingOr(health: RegionView['health']): RegionView['health'] {
  if (health.state !== 'Ready') return health
  return { ...health, state: 'Starting', message: 'no host of it reports an open database server yet' }
}

/** Some services of a subscription, all when none is named. */
export async function viewServices(deps: ViewDeps, subscriptionId: string, only?: Service): Promise<ServiceView[]> {
  const all = await listServices(deps.db, subscriptionId)
  const wanted = only ? [only] : all
  const regions = new Map((await listRegions(deps.db)).map((region) => [region.slug, region]))
  const servers = await listServers(deps.db)
  const regionNames = new Map([...regions.values()].map(({ slug, name }) => [slug, name]))
  const domains = new Map((await listMachines(deps.db)).map((machine) => [machine.name, machine.domain]))
  const tables = await listTables(
    deps.db,
    wanted.map(({ id }) => id),
  )
  const operationIds = wanted.map((service) => service.operation_id).filter((id) => id !== null)
  const operations =
    operationIds.length === 0
      ? []
      : await deps.db
          .selectFrom('operations')
          .select(['id', 'kind', 'state', 'steps', 'next'])
          .where('id', 'in', operationIds)
          .execute()
  const tablesOf = Map.groupBy(tables, ({ service_id: id }) => id)
  const secondaries = new Map(all.map(({ secondary_for: primary, name }) => [primary, name]))
  const names = new Map(all.map(({ id, name }) => [id, name]))
  const formers = await listFormerSchemas(deps.db)
  const formerHomes = await listFormerHomes(deps.db, wanted)
  const verifications = await listVerifications(deps.db, wanted)
  const sourced = new Set(
    (
      await listRepositories(
        deps.db,
        wanted.map(({ id }) => id),
      )
    ).map((one) => one.service_id),
  )
  return wanted.map((service) => {
    const formerHome = formerHomes.get(service.id)
    const secondary = secondaries.get(service.id) ?? null
    const wellElsewhere = [...regions.values()].find(
      (region) => region.slug !== service.region && deps.incidents.get('region', region.slug).verdict.state === 'Ready',
    )
    const server = servers.find((entry) => entry.name === service.server)
    return {
      name: service.name,
      health: serviceHealth({
        name: service.name,
        state: service.state === 'ready' && isStarting(deps, service, server) ? 'creating' : service.state,
        standing: deps.incidents.get('service', service.id),
        operation: operations.find((operation) => operation.id === service.operation_id) ?? null,
        secondary,
        otherRegion: wellElsewhere?.name ?? null,
      }),
      region: regions.get(service.region)?.name ?? service.region,
      mode: service.mode,
      units: service.units,
      ...urlsOf(deps.gatewayUrl, service.name),
      applicationKey: deps.open(service.application_key),
      masterKey: deps.open(service.master_key),
      tables: (tablesOf.get(service.id) ?? []).map((table) => table.name),
      epoch: Number(service.epoch),
      server: service.server,
      serverRegion: server ? regionNameOf(server, { domains, regions: regionNames }) : '',
      formerDatabase: formerDatabaseOf(formers, service),
      exposure: server ? exposureOf(deps.board, server) : null,
      secondaryFor: service.secondary_for === null ? null : (names.get(service.secondary_for) ?? null),
      secondary,
      recoveredFrom: formerHome === undefined ? null : (regions.get(formerHome)?.name ?? null),
      operation: service.operation_id,
      verification: verifications.get(service.id) ?? null,
      sourceRepositoryUrl: sourced.has(service.id) ? repositoryUrlOf(deps.portalUrl, service.name) : null,
      createdAt: service.created_at.toISOString(),
    }
  })
}

function formerDatabaseOf(formers: FormerSchema[], service: Service): ServiceView['formerDatabase'] {
  const found = formers.find((left) => left.service_id === service.id && !left.is_dropping)
  return found ? { server: found.server, keptUntil: found.kept_until?.toISOString() ?? null } : null
}

async function listVerifications(
  db: Kysely<ControlDatabase>,
  services: Service[],
): Promise<Map<string, ServiceView['verification']>> {
  if (services.length === 0) return new Map()
  const columns = ['id', 'service_id', 'state', 'started_at', 'finished_at', 'error'] as const
  const rows = await newestOf(
    db,
    'verify_service',
    services.map(({ id }) => id),
  )
    .select(columns)
    .execute()
  return new Map(
    rows.map(({ id, service_id, state, started_at, finished_at, error }) => [
      String(service_id),
      {
        operation: id,
        state: state === 'needs_you' ? 'failed' : state,
        at: (finished_at ?? started_at).toISOString(),
        problem: error?.message ?? null,
      },
    ]),
  )
}

// A host is heard that does not serve it yet, or has not opened its database. A silent one is for verdicts to judge.
function isStarting(deps: ViewDeps, service: Service, server: ServerWithMembers | undefined): boolean {
  if (deps.incidents.get('service', service.id).verdict.state !== 'Ready') return false
  const heard = (machine: string) =>
    deps.board.hostSilentMs(machine) < HEARTBEAT_SILENT_MS ? deps.board.host(machine) : null
  const database = server && heard(primaryOf(server).machine)?.servers.find((entry) => entry.name === server.name)
  if (database && NOT_OPEN_YET.has(database.state)) return true
  const runtime = heard(service.machine)?.runtimes.find((entry) => entry.name === runtimeOf(service))
  if (runtime?.state !== 'starting' && runtime?.state !== 'running') return false
  return runtime.services.every((one) => one.name !== service.name || one.epoch !== Number(service.epoch))
}

/** Everything at once, and what deserves attention. */
export async function viewStatus(deps: ViewDeps, subscriptionId: string): Promise<StatusView> {
  const machines = (await listMachines(deps.db)).filter((machine) => machine.revoked_at === null)
  const gateways = new Map(deps.board.gateways().map(({ facts, silentMs }) => [facts.machine, silentMs]))
  const servers = await viewServers(deps)
  const controls = await listControls(deps.db)
  const status = {
    regions: await viewRegions(deps),
    services: await viewServices(deps, subscriptionId),
    machines: machines.map(({ name, role, domain }) => ({
      name,
      role,
      domain,
      lastSeenMs:
        role === 'gateway'
          ? (gateways.get(name) ?? null)
          : deps.board.hasHeardHost(name)
            ? deps.board.hostSilentMs(name)
            : null,
      memoryBytes: deps.board.host(name)?.memoryBytes ?? null,
      sandbox: sandboxOf(deps.board, name),
    })),
    controls: viewControls(controls),
    archive: viewArchive(controls),
    incidents: await listIncidents(deps.db, subscriptionId, { isOpen: true, limit: LIST_ROWS_MAX }),
  }
  return { ...status, warnings: await listWarnings(deps, status, servers) }
}

/** What the stream of events tells apart: all that is shown of a topic, but how long ago something was last heard. */
export async function readTopics(deps: ViewDeps): Promise<Record<Topic, unknown>> {
  const { services, machines, controls, ...others } = await viewStatus(deps, DEFAULT_SUBSCRIPTION)
  const operations = await listOperations(deps.db, DEFAULT_SUBSCRIPTION, { limit: TOPIC_OPERATIONS })
  const servers = await viewServers(deps)
  return {
    status: [others, servers.map(standingOf), [...machines, ...controls].map((one) => ({ ...one, lastSeenMs: null }))],
    services,
    operations: operations.map(({ id, revision }) => [id, revision]),
  }
}

// Without what is another number every second.
function standingOf({ name, epoch, protection, isProtected, operation, services, members }: ServerView): unknown {
  const stands = members.map(({ machine, role, state, problem, standing }) => [machine, role, state, problem, standing])
  return [name, epoch, protection, isProtected, operation, services, stands]
}

/** A service as its caller may see it: keys open the data to whoever has them. */
export function viewFor(role: Role, service: ServiceView): ServiceView {
  return role === 'reader' ? { ...service, applicationKey: '', masterKey: '' } : service
}

// The weakest of a machine's runtimes: they find out one by one.
function sandboxOf(board: FactBoard, machine: string): SandboxLevel | null {
  const levels = board.host(machine)?.runtimes.map(({ sandbox }) => sandbox) ?? []
  return (['off', 'reduced', 'full'] as const).find((level) => levels.includes(level)) ?? null
}

/** A service's URL in its host form, and in the form by path. */
export function urlsOf(gatewayUrl: string, name: string): { url: string; pathUrl: string } {
  const label = name.toLowerCase()
  const base = new URL(gatewayUrl)
  return { url: `${base.protocol}//${label}.${base.host}/`, pathUrl: `${base.origin}${SERVICES_PATH}${label}/` }
}
