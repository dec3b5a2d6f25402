// Whether a service can be moved as planned, where to, and what moves with it: checked and claimed in one transaction.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView, SwitchService } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { lockIdleServer, primaryOf, standbyOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { slugOf } from '../kit/identifiers.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { listHosts, requireReachable } from '../regions/hosts.ts'
import { findRoom, type Move, type Size } from '../regions/ledger.ts'
import { bumpDesired, getRegion, listMachines, listRegions, lockRegion, type Region } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { findHost } from '../services/place.ts'
import {
  findByName,
  getService,
  listHoldings,
  listServices,
  listTables,
  lockServices,
  requireIdle,
  type Service,
} from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { requireMovable } from './switch-server.ts'
import type { Patience, ServerMove } from './switch-steps.ts'

type Db = Kysely<ControlDatabase>

/** What the steps need to know of the claim; kept in the operation's row. `serverMove` is null where only compute moves. */
export type SwitchInput = Move &
  Patience & {
    server: string
    serverMove: ServerMove | null
    secondaryName: string | null
    fromRegion: string
    toRegion: string
  }

const STEPS = {
  warm: 'Serving it in its new home, too',
  prepare: 'Writing what is in memory, and waiting for the standby',
  hold: 'Holding requests',
  swap: 'Changing its home',
  open: 'Opening it there',
  release: 'Letting requests go on',
  prove: 'Proving a write and a read at the stable URL',
  secondary: 'Moving its secondary the other way',
  follow: 'Letting what it left follow',
}

type Wanted = SwitchService & Patience

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginSwitchService(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: Wanted,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimSwitch(deps, caller, name, wanted, how))
}

/** What a move would do; faults as it would, and changes nothing. */
export async function planSwitchService(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: SwitchService,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimSwitch(deps, caller, name, wanted, how))
}

async function claimSwitch(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: Wanted,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const named = await getService(db, caller.subscriptionId, name)
  const partner = (await listServices(db, caller.subscriptionId)).find((other) => other.secondary_for === named.id)
  await field.settle()
  return await transact(db, how, async (trx) => {
    const locked = await lockServices(trx, [named.id, ...(partner ? [partner.id] : [])])
    const service = requireStill(locked, named)
    const secondary = locked.find((other) => other.secondary_for === service.id) ?? null
    requireIdle(service)
    requireWell(deps, service)
    const region = await findTarget(trx, caller, { service, secondary, to: wanted.to })
    if (region.slug === service.region) {
      throw new Fault('switchover.same_region', 409, `'${service.name}' is in ${region.name} already`)
    }
    const standsOn = secondary?.region === region.slug ? secondary : null
    if (standsOn) await requireSpareSecondary(trx, standsOn)
    requireReachable(field, service.machine, `'${service.name}'`)
    const serverMove = await findServerMove(trx, deps, { service, region, isWithServer: wanted.isWithServer === true })
    const { machine, returning } = await findPlaces(trx, deps, { service, secondary: standsOn, region })
    const from = { region: service.region, machine: service.machine }
    const fromRegion = await getRegion(trx, service.region)
    const input: SwitchInput = {
      ...{ secondaryId: standsOn?.id ?? null, from, to: { region: region.slug, machine }, returning },
      ...{ server: service.server, serverMove: serverMove?.move ?? null, secondaryName: standsOn?.name ?? null },
      ...{ fromRegion: fromRegion.name, toRegion: region.name },
      ...(wanted.stopMsMax === undefined ? {} : { stopMsMax: wanted.stopMsMax }),
    }
    const operationId = await insertOperation(trx, {
      kind: 'switchover',
      caller,
      subject: { service: { id: service.id, name: service.name }, server: service.server },
      input,
      steps: stepsFor(input),
      idempotencyKey: how.idempotencyKey,
    })
    const held = [service.id, ...(standsOn ? [standsOn.id] : [])]
    await trx.updateTable('services').set({ operation_id: operationId }).where('id', 'in', held).execute()
    const server = trx.updateTable('servers').set({ operation_id: operationId })
    if (serverMove) await server.where('name', '=', service.server).execute()
    const [before, after] = [{ region: fromRegion.name }, { region: region.name, isServerMoved: serverMove !== null }]
    await audit(trx, caller, { action: 'mobile switchover', subject: service.name, before, after, operationId })
    await bumpDesired(trx)
    const others = serverMove?.others ?? []
    const changes = [
      `Move '${service.name}' from ${fromRegion.name} to ${region.name}, on ${machine}`,
      serverMove
        ? `Move its server ${service.server} along; the standby is then in ${fromRegion.name}`
        : `Its server ${service.server} stays where it is`,
      ...(others.length > 0 ? [`The data of ${others.join(', ')} moves along; they stay where they are`] : []),
      ...(standsOn ? [`Its secondary '${standsOn.name}' stands in ${fromRegion.name} then`] : []),
      'Hold requests meanwhile, as a rule for under 2 s',
    ]
    return { operationId, changes }
  })
}

function stepsFor({ serverMove, secondaryId }: SwitchInput): { name: string; sentence: string }[] {
  const left = new Set([...(serverMove ? [] : ['prepare']), ...(secondaryId === null ? ['secondary'] : [])])
  return Object.entries(STEPS).flatMap(([step, sentence]) => (left.has(step) ? [] : [{ name: step, sentence }]))
}

function requireStill(locked: Service[], named: Service): Service {
  const found = locked.find(({ id }) => id === named.id)
  if (found) return found
  throw new Fault('service.unknown', 404, `there is no mobile service '${named.name}' any more`)
}

function requireWell({ incidents }: RecoveryDeps, service: Service): void {
  const { verdict } = incidents.get('service', service.id)
  if (verdict.state !== 'Unhealthy') return
  throw new Fault('switchover.not_ready', 409, `'${service.name}' is Unhealthy: ${verdict.message}`, {
    hint: `A planned move is for a service that is well. To bring this one back: mainstay mobile recover ${service.name}`,
  })
}

// A region, the service's secondary, or nothing: where the secondary is, or else the standby of its server.
async function findTarget(
  trx: Db,
  caller: Caller,
  about: { service: Service; secondary: Service | null; to: string | undefined },
): Promise<Region> {
  const { service, secondary, to } = about
  if (to !== undefined) {
    if (to.toLowerCase() === secondary?.name.toLowerCase()) return await getRegion(trx, secondary.region)
    const isRegion = (await listRegions(trx)).some(({ slug }) => slug === slugOf(to))
    const other = isRegion ? null : await findByName(trx, caller.subscriptionId, to)
    if (!other) return await getRegion(trx, to)
    throw new Fault('switchover.not_secondary', 409, `'${other.name}' is not the secondary of '${service.name}'`, {
      hint: `Name a region, or leave it out: mainstay mobile switchover ${service.name}`,
    })
  }
  if (secondary) return await getRegion(trx, secondary.region)
  const server = await lockIdleServer(trx, service.server)
  const machine = standbyOf(server)?.machine
  const domain = (await listMachines(trx)).find(({ name }) => name === machine)?.domain
  if (domain !== undefined) return await getRegion(trx, domain)
  throw new Fault('switchover.no_target', 409, `'${service.name}' has no secondary, and its server no standby`, {
    hint: `Name a region: mainstay mobile switchover ${service.name} REGION`,
  })
}

// It is made anew in the other region; what it holds of its own would stay behind.
async function requireSpareSecondary(trx: Db, secondary: Service): Promise<void> {
  requireIdle(secondary)
  const tables = (await listTables(trx, [secondary.id])).map(({ name }) => name)
  if (tables.length === 0) return
  const message = `the secondary '${secondary.name}' has tables of its own: ${tables.join(', ')}`
  throw new Fault('switchover.secondary_in_use', 409, message, {
    hint: `Delete them, or give the service another secondary: mainstay mobile delete ${secondary.name}`,
  })
}

async function findServerMove(
  trx: Db,
  { field }: RecoveryDeps,
  about: { service: Service; region: Region; isWithServer: boolean },
): Promise<{ move: ServerMove; others: string[] } | null> {
  const { service, region } = about
  const server = await lockIdleServer(trx, service.server)
  const { hosts } = await listHosts(trx, field)
  const regionOf = (machine: string) => hosts.find(({ name }) => name === machine)?.domain
  requireReachable(field, primaryOf(server).machine, `the primary of ${server.name}`)
  // An external one is reached from everywhere.
  if (server.kind === 'external' || regionOf(primaryOf(server).machine) === region.name) return null
  const move = requireMovable(server, field)
  if (regionOf(move.to) !== region.name) {
    const message = `the standby of ${server.name} is in ${regionOf(move.to)}, not in ${region.name}`
    throw new Fault('switchover.no_standby', 409, message, {
      hint: `Move the standby first: mainstay sql server protect ${server.name} --location "${region.name}"`,
    })
  }
  const others = (await listServices(trx, null)).filter(
    (other) => other.server === server.name && other.id !== service.id && other.secondary_for !== service.id,
  )
  const names = others.map(({ name }) => name)
  if (names.length > 0 && !about.isWithServer) {
    const message = `${server.name} also holds the data of ${names.join(', ')}, which would move along`
    throw new Fault('switchover.shared_server', 409, message, {
      hint: `If that is meant: mainstay mobile switchover ${service.name} --with-server`,
    })
  }
  return { move, others: names }
}

// On the capacity of its secondary, which takes the place that the service leaves; or on what is free.
async function findPlaces(
  trx: Db,
  { field }: RecoveryDeps,
  about: { service: Service; secondary: Service | null; region: Region },
): Promise<{ machine: string; returning: Size | null }> {
  const { service, secondary } = about
  const region = await lockRegion(trx, about.region.slug)
  if (!secondary) return { machine: await findHost(trx, field, region, service), returning: null }
  const isSameMode = secondary.mode === service.mode
  const machine = isSameMode ? secondary.machine : await findHost(trx, field, region, service)
  requireReachable(field, machine, `'${secondary.name}'`)
  const units = isSameMode ? secondary.units - service.units : secondary.units
  const returning: Size | null = secondary.mode === 'reserved' && units > 0 ? { mode: 'reserved', units } : null
  if (returning) {
    const left = await lockRegion(trx, service.region)
    const room = roomOf(left, await listMachines(trx), field)
    findRoom(room, await listHoldings(trx), returning, service.machine)
  }
  return { machine, returning }
}
