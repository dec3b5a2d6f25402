// Derives what each machine is to do from the rows. Pure: the same snapshot gives the same assignments.
import type { Mode } from '../contract/api.ts'
import type {
  CertificateAssignment,
  ChallengeAssignment,
  DatabaseAssignment,
  DomainAssignment,
  GatewayAssignment,
  HostAssignment,
  LeaseAssignment,
  MachineAddress,
  Route,
  RuntimeAssignment,
  SchemaAssignment,
  ServerAssignment,
  ServiceAssignment,
} from '../contract/assignment.ts'
import { SHARED_RUNTIME } from '../contract/assignment.ts'
import type { ExternalAssignment } from '../contract/external-server.ts'
import { PROTOCOL_VERSION_UNNAMED, versionToSpeak } from '../contract/protocols.ts'
import { APPS_DATABASE, loginRole } from '../contract/table-format.ts'
import { endpointOf } from '../databases/external-servers.ts'
import type { FormerSchema } from '../databases/former-schemas.ts'
import { type Member, primaryOf, type ServerWithMembers, standbyOf } from '../databases/servers.ts'
import type { Verdict } from '../health/verdict.ts'
import { BACKUP_EVERY_MS, BACKUP_KEEP_DAYS, OPERATIONS_NAMED_MAX } from '../kit/limits.ts'
import { runtimeOf } from '../regions/field.ts'
import { addressOf, type Machine } from '../regions/regions.ts'
import { apiDefinitionOf } from '../services/apis.ts'
import { appSettingsOf } from '../services/app-settings.ts'
import { authOf } from '../services/auth-providers.ts'
import { definitionOf } from '../services/jobs.ts'
import { pushSettingsOf } from '../services/push-settings.ts'
import type { Service } from '../services/services.ts'
import { httpsOf, intakeOf } from '../services/settings.ts'
import type { Snapshot } from './snapshot.ts'

/** Opens a sealed secret. */
export type OpenSecret = (sealed: string) => string

/** What a host is to do; null before it ever reported its address. */
export function deriveHostAssignment(snapshot: Snapshot, machine: string, open: OpenSecret): HostAssignment | null {
  const self = snapshot.machines.find((entry) => entry.name === machine)
  if (!self) return null
  return {
    ...deriveCommon(snapshot, self),
    machine,
    region: self.domain,
    servers: snapshot.servers.flatMap((server) => {
      const member = server.members.find((entry) => entry.machine === machine)
      return member && server.kind === 'managed' ? [deriveServer(snapshot, server, member, open)] : []
    }),
    externals: deriveExternals(snapshot, machine, open),
    droppedServers: deriveDrops(snapshot, machine),
    runtimes: deriveRuntimes(snapshot, machine, open),
    peers: hostsThatCount(snapshot).filter((host) => host.machine !== machine),
  }
}

// What a machine is to hold is never to be dropped there, whatever else was decided once.
function deriveDrops({ servers, serverDrops }: Snapshot, machine: string): { name: string; epoch: number }[] {
  const held = servers.filter(({ members }) => members.some((member) => member.machine === machine))
  return serverDrops
    .filter((drop) => drop.machine === machine && held.every(({ name }) => name !== drop.server))
    .map(({ server, epoch }) => ({ name: server, epoch }))
}

// What every machine is told, whatever its role.
function deriveCommon(snapshot: Snapshot, machine: Machine | undefined) {
  return {
    version: snapshot.version,
    protocol: versionToSpeak(machine?.protocol ?? PROTOCOL_VERSION_UNNAMED),
    revoked: snapshot.machines.filter((entry) => entry.revoked_at !== null).map(({ name }) => name),
    operations: operationsUnderWay(snapshot),
  }
}

// However an assignment travels, its log line at the machine names what it may be for.
function operationsUnderWay({ services, endedServices, servers }: Snapshot): string[] {
  const ids = [...services, ...endedServices, ...servers].map((one) => one.operation_id).filter((id) => id !== null)
  return [...new Set(ids)].sort().slice(0, OPERATIONS_NAMED_MAX)
}

// A revoked host is looked at, in vain, for as long as it holds something: so it is judged lost by everyone.
function hostsThatCount(snapshot: Snapshot): MachineAddress[] {
  const holders = new Set([
    ...snapshot.services.map((service) => service.machine),
    ...snapshot.servers.map((server) => primaryOf(server).machine),
  ])
  return snapshot.machines
    .filter(({ role, name, revoked_at }) => role === 'host' && (revoked_at === null || holders.has(name)))
    .map(addressOf)
    .filter((address) => address !== null)
}

/** Where each service's requests go. Routes of what cannot be served now are closed, with the reason. */
export function deriveGatewayAssignment(snapshot: Snapshot, gateway: string, open: OpenSecret): GatewayAssignment {
  const self = snapshot.machines.find((entry) => entry.name === gateway)
  const held = new Set(snapshot.servers.filter((server) => server.switching_to !== null).map(({ name }) => name))
  const routes = snapshot.services.flatMap((service): Route[] => {
    const to = addressOf(snapshot.machines.find((machine) => machine.name === service.machine))
    if (!to || service.state === 'deleting') return []
    const closed = closedRoute(service, snapshot.verdicts.get(service.id) ?? { state: 'Ready' })
    const isHeld = service.is_held || held.has(service.server)
    const epoch = Number(service.epoch)
    const https = httpsOf(service)
    const route = { service: service.name.toLowerCase(), epoch, runtime: runtimeOf(service), to, closed, isHeld }
    const shown = { ...route, origins: service.cors_origins }
    return [https ? { ...shown, https } : shown]
  })
  return { ...deriveCommon(snapshot, self), routes, hosts: hostsThatCount(snapshot), ...deriveDomains(snapshot, open) }
}

// Of a service, not of where it is served: a recovery changes nothing about them.
function deriveDomains({ services, domains, certificates, challenges }: Snapshot, open: OpenSecret) {
  const names = new Map(services.map(({ id, name }) => [id, name.toLowerCase()]))
  const shown = new Set(domains.map(({ thumbprint }) => thumbprint))
  // Two services may have been given the same one.
  const shownOnce = new Map(certificates.filter((one) => shown.has(one.thumbprint)).map((one) => [one.thumbprint, one]))
  return {
    domains: domains.flatMap(({ name, service_id: id, thumbprint: certificate }): DomainAssignment[] => {
      const service = names.get(id)
      return service === undefined ? [] : [{ name, service, certificate }]
    }),
    certificates: [...shownOnce.values()].map(({ thumbprint, chain, private_key: sealed }): CertificateAssignment => {
      return { thumbprint, chain, key: open(sealed) }
    }),
    challenges: challenges.map(({ domain, token, answer }): ChallengeAssignment => ({ domain, token, answer })),
  }
}

const RECOVERING_RETRY_SECONDS = 1
const UNHEALTHY_RETRY_SECONDS = 5

function closedRoute(service: Service, verdict: Verdict): Route['closed'] {
  if (service.state === 'recovering' || service.state === 'activating') {
    const message = 'The service is being recovered into another region.'
    return { cause: 'recovering', message, retryAfterSeconds: RECOVERING_RETRY_SECONDS }
  }
  if (verdict.state !== 'Unhealthy') return null
  return {
    cause: verdict.cause,
    message: `The service is unavailable: ${verdict.message}.`,
    retryAfterSeconds: UNHEALTHY_RETRY_SECONDS,
  }
}

function deriveServer(
  snapshot: Snapshot,
  server: ServerWithMembers,
  member: Member,
  open: OpenSecret,
): ServerAssignment {
  const standby = standbyOf(server)
  const isPrimary = member.role === 'primary'
  return {
    name: server.name,
    epoch: Number(server.epoch),
    role: member.role,
    superuserPassword: open(server.superuser_password),
    replicationPassword: open(server.replication_password),
    lease: isPrimary ? deriveLease(snapshot, standby) : { kind: 'free', term: member.lease_term },
    isInitialized: server.is_initialized,
    primary: isPrimary ? null : addressIn(snapshot, primaryOf(server).machine),
    slots: isPrimary ? slotsOf(standby) : slotsOf(member),
    schemas: isPrimary ? deriveSchemas(snapshot, server, open) : [],
    isOldPrimaryStopped: member.is_old_primary_stopped,
    synchronousSlot: isPrimary ? synchronousSlotOf(server, standby) : null,
    isStopping: isPrimary && server.is_stopping,
    rejoin: isPrimary ? null : rejoinOf(member),
    forkLsn: member.role === 'quarantined' ? member.fork_lsn : null,
    replaces: isPrimary ? null : replacesOf(member),
    ...(isPrimary ? deriveBackups(snapshot, server, open) : {}),
  }
}

// One host looks after it; all that serve from it reach it by themselves, and do not need that one.
function deriveExternals(snapshot: Snapshot, machine: string, open: OpenSecret): ExternalAssignment[] {
  const used = new Set(servicesOn(snapshot, machine).map(({ server }) => server))
  return snapshot.servers
    .filter(({ kind }) => kind === 'external')
    .flatMap((server) => {
      const isHere = primaryOf(server).machine === machine
      if (!isHere && !used.has(server.name)) return []
      const duty =
        isHere && snapshot.cloud !== null
          ? { cloud: snapshot.cloud, schemas: deriveSchemas(snapshot, server, open) }
          : null
      return [{ name: server.name, epoch: Number(server.epoch), endpoint: endpointOf(server, open), duty }]
    })
}

function deriveLease(snapshot: Snapshot, standby: Member | null): LeaseAssignment {
  const prover = standby && addressIn(snapshot, standby.machine)
  const term = standby?.lease_term ?? 0
  if (!prover || (standby.standing !== 'arming' && standby.standing !== 'ready')) return { kind: 'free', term }
  return { kind: 'required', term, prover }
}

// From before the standby may be promoted, so that it never lacks what was acknowledged while it may be.
function synchronousSlotOf(server: ServerWithMembers, standby: Member | null): string | null {
  const isTied = standby?.standing === 'arming' || standby?.standing === 'ready'
  return server.protection === 'sync' && isTied && !standby.is_leaving ? standby.slot : null
}

function rejoinOf({ rejoin_epoch: epoch, rejoin_lsn: lsn }: Member): { epoch: number; lsn: string } | null {
  return epoch === null || lsn === null ? null : { epoch: Number(epoch), lsn }
}

function replacesOf({
  replaces_epoch: epoch,
  is_replaced_kept: isKept,
}: Member): { epoch: number; isKept: boolean } | null {
  return epoch === null ? null : { epoch: Number(epoch), isKept }
}

// One key opens the backups of all servers: what is restored may be another's.
function deriveBackups(
  { backupKey, drops }: Snapshot,
  server: ServerWithMembers,
  open: OpenSecret,
): Pick<ServerAssignment, 'backup' | 'restore'> {
  if (backupKey === null) return {}
  const key = open(backupKey)
  const { restored_from: source, restore_target: target, is_initialized: isInitialized, protection } = server
  return {
    backup:
      protection === 'none'
        ? null
        : { key, everyMs: BACKUP_EVERY_MS, keepDays: BACKUP_KEEP_DAYS, ...droppedOn(drops, server.name) },
    restore: source !== null && target !== null && !isInitialized ? { server: source, key, target } : null,
  }
}

function droppedOn(drops: Snapshot['drops'], name: string): { droppedAt?: string[] } {
  const dates = drops.flatMap(({ server, at }) => (server === name ? [at.toISOString()] : []))
  // The first of each day is the one that says how far back.
  const droppedAt = dates.filter((at, index) => at.slice(0, 10) !== dates[index - 1]?.slice(0, 10))
  return droppedAt.length === 0 ? {} : { droppedAt }
}

function slotsOf(member: Member | null): string[] {
  return member?.slot ? [member.slot] : []
}

function deriveSchemas(snapshot: Snapshot, server: ServerWithMembers, open: OpenSecret): SchemaAssignment[] {
  const former = snapshot.formerSchemas.filter((left) => left.server === server.name)
  const own = [...snapshot.services, ...snapshot.endedServices].filter((service) => service.server === server.name)
  return [...own.map((service) => deriveSchema(snapshot, service, open)), ...former.map(deriveFormerSchema)]
}

function deriveSchema(snapshot: Snapshot, service: Service, open: OpenSecret): SchemaAssignment {
  const tables = tablesOf(snapshot, service, { isDropping: false })
  return {
    serviceId: service.id,
    schema: service.schema_name,
    epoch: Number(service.epoch),
    loginPassword: open(service.login_password),
    tables: tables.map((table) => table.name),
    softDeleteTables: tables.filter((table) => table.is_made_with_soft_delete).map((table) => table.name),
    integerTables: tables.filter((table) => table.id_type === 'integer').map((table) => table.name),
    droppedTables: tablesOf(snapshot, service, { isDropping: true }).map((table) => table.name),
    state: service.ended_at === null ? 'open' : service.state === 'deleted' ? 'dropped' : 'closed',
    restarts: service.restarts,
  }
}

// Nobody logs in to it any more; it is kept for the way back, until it is to go.
function deriveFormerSchema({
  service_id: serviceId,
  schema_name: schema,
  epoch,
  is_dropping,
}: FormerSchema): SchemaAssignment {
  const nothing = { loginPassword: '', tables: [], droppedTables: [] }
  return { serviceId, schema, epoch: Number(epoch), ...nothing, state: is_dropping ? 'dropped' : 'closed' }
}

function deriveRuntimes(snapshot: Snapshot, machine: string, open: OpenSecret): RuntimeAssignment[] {
  const here = servicesOn(snapshot, machine)
  const build = (service: Service) => deriveService(snapshot, service, machine, open)
  const shapes = here.flatMap((service) => shapesOf(service).map((shape) => ({ service, ...shape })))
  const shared = shapes.filter(({ mode }) => mode === 'shared').map(({ service }) => build(service))
  const reserved = shapes
    .filter(({ mode }) => mode === 'reserved')
    .map(({ service, mode, units }) => ({
      name: runtimeOf({ name: service.name, mode }),
      units,
      generation: service.restarts,
      services: [build(service)],
    }))
  // The shared runtime is always there, warm, so that a recovery need not wait for a process to start.
  return [{ name: SHARED_RUNTIME, units: 1, generation: 0, services: shared }, ...reserved]
}

function servicesOn(snapshot: Snapshot, machine: string): Service[] {
  const isHere = (service: Service) => service.machine === machine || service.also_machine === machine
  return snapshot.services.filter((service) => isHere(service) && isServedNow(service))
}

// While its mode changes, a service is served in both shapes: no request falls between the old runtime and the new.
function shapesOf(service: Service): { mode: Mode; units: number }[] {
  const { mode, units, also_mode: alsoMode, also_units: alsoUnits } = service
  return alsoMode === null || alsoUnits === null
    ? [{ mode, units }]
    : [
        { mode, units },
        { mode: alsoMode, units: alsoUnits },
      ]
}

// A service that is being recovered is served only in its new home, once the recovery has moved it there.
function isServedNow(service: Service): boolean {
  return service.state !== 'deleting' && service.state !== 'recovering'
}

function deriveService(snapshot: Snapshot, service: Service, machine: string, open: OpenSecret): ServiceAssignment {
  return {
    id: service.id,
    name: service.name,
    epoch: Number(service.epoch),
    applicationKey: open(service.application_key),
    masterKey: open(service.master_key),
    isSchemaDynamic: service.is_schema_dynamic,
    isKeyRequired: service.is_key_required,
    intake: intakeOf(service),
    generation: service.restarts,
    tables: tablesOf(snapshot, service, { isDropping: false }).map(({ name, permissions, id_type: idType }) => ({
      ...{ name, permissions },
      ...(idType === 'integer' ? { idType } : {}),
    })),
    apis: snapshot.apis.filter((api) => api.service_id === service.id).map(apiDefinitionOf),
    jobs: snapshot.jobs.filter((job) => job.service_id === service.id).map(definitionOf),
    auth: authOf(service, open),
    appSettings: appSettingsOf(service, open),
    push: pushSettingsOf(service, open),
    scripts: snapshot.scripts
      .filter((script) => script.service_id === service.id)
      .map(({ name, hash, bytes }) => ({ name, hash, bytes })),
    ...(service.npm_modules === null ? {} : { npmModules: service.npm_modules }),
    database: deriveDatabase(snapshot, service, machine, open),
  }
}

function deriveDatabase(snapshot: Snapshot, service: Service, machine: string, open: OpenSecret): DatabaseAssignment {
  const server = snapshot.servers.find((entry) => entry.name === service.server)
  if (!server) throw new TypeError(`service ${service.name} is on a server that is not there`)
  const primary = primaryOf(server).machine
  const isExternal = server.kind === 'external'
  return {
    server: server.name,
    serverEpoch: Number(server.epoch),
    database: isExternal ? endpointOf(server, open).database : APPS_DATABASE,
    schema: service.schema_name,
    user: loginRole(service.id, Number(service.epoch)),
    password: open(service.login_password),
    remote: isExternal || primary === machine ? null : addressIn(snapshot, primary),
    isExternal,
  }
}

function tablesOf(snapshot: Snapshot, service: Service, wanted: { isDropping: boolean }) {
  return snapshot.tables.filter((table) => table.service_id === service.id && table.is_dropping === wanted.isDropping)
}

function addressIn(snapshot: Snapshot, machine: string): MachineAddress | null {
  return addressOf(snapshot.machines.find((entry) => entry.name === machine))
}
