// What operators ask of control in the simulation: each refused with a Fault, or claimed in one transaction.
import type { Mode } from '../../src/contract/api.ts'
import { primaryOf, standbyOf } from '../../src/databases/servers.ts'
import { Fault } from '../../src/kit/fault.ts'
import { HEARTBEAT_SILENT_MS } from '../../src/kit/limits.ts'
import { leaseLeftMs, type PartyFacts, type PlanFacts } from '../../src/recovery/plan.ts'
import type { RecoverInput } from '../../src/recovery/recover-begin.ts'
import type { Size } from '../../src/regions/ledger.ts'
import { roomOf } from '../../src/regions/room.ts'
import type { Service } from '../../src/services/services.ts'
import type { SimControl } from './control.ts'
import type { OperationFacts, SimOperation } from './rows.ts'

export type Wanted = { name: string; region: string; mode: Mode; units: number; secondaryFor: string | null }

/** As `beginCreate`. Returns the operation's id. */
export function beginCreate(control: SimControl, wanted: Wanted): string {
  requireSettled(control)
  const { rows, board } = control
  if (!board.isReachable(wanted.region)) throw new Fault('region.unreachable', 503, 'no host can be reached')
  const server = rows.servers.find((one) => one.is_default && primaryOf(one).machine === wanted.region)
  if (!server) throw new Fault('region.no_database', 503, 'no database server')
  if (rows.living.some((one) => one.name === wanted.name)) throw new Fault('service.exists', 409, 'taken')
  const primary = wanted.secondaryFor === null ? null : living(control, wanted.secondaryFor)
  if (primary && (primary.region === wanted.region || rows.living.some((one) => one.secondary_for === primary.id))) {
    throw new Fault('service.exists', 409, 'it has a secondary, or is in that region itself')
  }
  roomFor(control, wanted.region, wanted)
  const operation = insert(control, 'create', `s${rows.services.length}`, null, {})
  const place = { server: server.name, state: 'creating' as const, operationId: operation.id }
  rows.addService({ ...wanted, secondaryFor: primary?.id ?? null, ...place })
  return claimed(control, operation)
}

/** As `beginDelete`. */
export function beginDelete(control: SimControl, name: string): string {
  requireSettled(control)
  const service = living(control, name)
  if (!control.board.isReachable(primaryOf(control.rows.server(service.server)).machine)) {
    throw new Fault('region.unreachable', 503, 'its database cannot be reached')
  }
  if (service.operation_id !== null) throw new Fault('service.busy', 409, 'in another operation')
  const operation = insert(control, 'delete', service.id, null, {})
  Object.assign(service, { state: 'deleting', operation_id: operation.id })
  return claimed(control, operation)
}

/** As `beginRecover`, a stopped recovery carried on included. */
export function beginRecover(
  control: SimControl,
  wanted: { primary: string; secondary: string; isForced: boolean },
): string {
  requireSettled(control)
  const { rows, world } = control
  const primary = living(control, wanted.primary)
  const secondary = living(control, wanted.secondary)
  const stopped = rows.operations.get(primary.operation_id ?? '')
  if (stopped?.state === 'needs_you' && secondary.operation_id === stopped.id) {
    Object.assign(stopped, { state: 'running', heldUntil: 0 })
    control.commit()
    control.startFree()
    return stopped.id
  }
  const plan = world.rules.planRecovery(factsOf(control, primary, secondary, wanted.isForced))
  const machine = primary.mode === secondary.mode ? secondary.machine : roomFor(control, secondary.region, primary)
  const server = rows.server(primary.server)
  const input: RecoverInput = {
    secondaryId: secondary.id,
    secondaryName: secondary.name,
    from: { region: primary.region, machine: primary.machine },
    to: { region: secondary.region, machine },
    server: server.name,
    epoch: rows.nextEpoch(),
    action: plan.database.action,
    lastReport: null,
  }
  const operation = insert(control, 'recover', primary.id, input, { oldPrimaryMachine: primaryOf(server).machine })
  Object.assign(primary, { state: 'recovering', operation_id: operation.id })
  secondary.operation_id = operation.id
  return claimed(control, operation)
}

/** As `region set`. */
export function setSlots(control: SimControl, slug: string, sharedSlots: number): void {
  const region = control.rows.region(slug)
  control.world.rules.requireNotBelowUse(region, control.rows.holdings(control.world.rules), { sharedSlots })
  region.shared_slots = sharedSlots
  control.commit()
}

function factsOf(control: SimControl, primary: Service, secondary: Service, isForced: boolean): PlanFacts {
  const { rows, board } = control
  const party = (service: Service): PartyFacts => ({
    id: service.id,
    name: service.name,
    region: service.region,
    regionName: service.region,
    mode: service.mode,
    units: service.units,
    health: service.state === 'ready' ? board.verdictOf(service.id).state : service.state,
    healthMessage: null,
    promisedTo: rows.living.find((one) => one.id === service.secondary_for)?.name ?? null,
    operationId: service.operation_id,
  })
  const server = rows.server(primary.server)
  const { machine } = primaryOf(server)
  const facts = board.hosts.get(machine)?.facts.servers.find((entry) => entry.name === server.name)
  const standby = standbyOf(server)
  const operations = [...rows.operations.values()]
  return {
    primary: party(primary),
    secondary: party(secondary),
    isForced,
    wish: { database: null, target: null, acceptedLossMs: undefined },
    lossMsMax: 60_000,
    restore: { kind: 'impossible', problem: 'there is no vault' },
    nowMs: 0,
    server: {
      name: server.name,
      primaryRegionName: machine,
      isAlive: board.isReachable(machine) && facts?.state === 'running' && facts.role === 'primary',
      standby: standby?.standing
        ? { machine: standby.machine, regionName: standby.machine, standing: standby.standing }
        : null,
      isPromoting: operations.some(
        ({ state, input, facts: known }) =>
          (state === 'running' || state === 'needs_you') && input?.server === server.name && known.isPromoted === true,
      ),
      otherServices: [],
      lastReport: null,
    },
    leaseLeftMs: leaseLeftMs(board.silentMs(machine)),
    earlierMs: [],
  }
}

function roomFor(control: SimControl, slug: string, wanted: Size): string {
  const { rules } = control.world
  const room = roomOf(control.rows.region(slug), control.rows.machines, control.board)
  return rules.findRoom(room, control.rows.holdings(rules), wanted)
}

// As `field.settle`: just after its start control does not know yet who is lost.
function requireSettled({ board, world }: SimControl): void {
  if (board.ageMs >= HEARTBEAT_SILENT_MS || world.hosts.every((host) => board.hosts.has(host.name))) return
  throw new Fault('wait.timed_out', 504, 'control has just started')
}

function living(control: SimControl, name: string): Service {
  const found = control.rows.living.find((service) => service.name === name)
  if (!found) throw new Fault('service.unknown', 404, `no service ${name}`)
  return found
}

function insert(
  control: SimControl,
  kind: SimOperation['kind'],
  serviceId: string,
  input: RecoverInput | null,
  facts: OperationFacts,
): SimOperation {
  const id = `o${control.rows.operations.size}`
  const at = { step: 0, holder: null, heldUntil: 0, next: null }
  const operation: SimOperation = { id, kind, serviceId, state: 'running', facts, input, ...at }
  control.rows.operations.set(id, operation)
  return operation
}

function claimed(control: SimControl, operation: SimOperation): string {
  control.rows.bump()
  control.commit()
  control.startFree()
  return operation.id
}
