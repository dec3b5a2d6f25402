// Operations carried out step by step, as operations/runner and the kinds of the product do, over the simulated rows.
import { isServed } from '../../src/contract/host-condition.ts'
import { primaryOf, standbyOf } from '../../src/databases/servers.ts'
import { Fault } from '../../src/kit/fault.ts'
import { STEP_MS_MAX } from '../../src/kit/limits.ts'
import { runtimeOf } from '../../src/regions/field.ts'
import { isNotServed, schemaProblem } from '../../src/services/facts-of.ts'
import type { Service } from '../../src/services/services.ts'
import type { SimControl } from './control.ts'
import type { OperationFacts, SimOperation } from './rows.ts'
import type { Task } from './scheduler.ts'

type Context = { control: SimControl; operation: SimOperation; service: Service; facts: OperationFacts }
/** Null when done, else what is waited for. */
type Step = (context: Context) => Task<string | null>

const LOOK_AGAIN_MS = 150

const STEPS: Record<SimOperation['kind'], Step[]> = {
  create: [makeSchema, startRuntime, tellGateway],
  delete: [close, settleData],
  recover: [fence, bringUpDatabase, activate, verify, reroute, prove, cleanUp],
}

/** Carries one operation on from where its row says, for as long as we hold it. */
export function* runOperation(control: SimControl, operation: SimOperation): Task<void> {
  const { holder } = operation
  const service = control.rows.service(operation.serviceId)
  const context: Context = { control, operation, service, facts: structuredClone(operation.facts) }
  const save = () => {
    if (operation.holder !== holder || operation.state !== 'running') return false
    operation.facts = structuredClone(context.facts)
    control.commit()
    return true
  }
  for (;;) {
    const step = STEPS[operation.kind][operation.step]
    if (!step) break
    const fault = yield* runStep(step, context, save)
    if (operation.holder !== holder || operation.state !== 'running') return
    if (fault) return fail(context)
    operation.step += 1
    if (!save()) return
  }
  finish(context)
}

function* runStep(step: Step, context: Context, save: () => boolean): Task<Fault | null> {
  const { scheduler } = context.control.world
  const startedAt = scheduler.now
  let reason = ''
  for (;;) {
    try {
      const found = yield* step(context)
      if (found === null) return null
      if (found !== reason) {
        reason = found
        if (!save()) return null
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const isPassing = error.code === 'door.unreachable' || error.code === 'probe.failed'
      if (context.operation.kind !== 'recover' || !isPassing) return error
    }
    if (scheduler.now - startedAt > STEP_MS_MAX)
      return new Fault('operation.step_timed_out', 504, `waiting for ${reason}`)
    yield* scheduler.sleep(context.control.actor, LOOK_AGAIN_MS)
  }
}

function* makeSchema({ control, service, facts }: Context): Task<string | null> {
  facts.version ??= control.rows.version
  control.push()
  return yield* schemaWait(control, service, facts.version)
}

function* schemaWait(control: SimControl, service: Service, version: number): Task<string | null> {
  const server = control.rows.server(service.server)
  const wanted = { server: service.server, schema: service.schema_name, version }
  const problem = schemaProblem(yield* control.askHost(primaryOf(server).machine), wanted)
  return problem === null ? null : `${service.server} to do its schema`
}

function* startRuntime({ control, service, facts }: Context): Task<string | null> {
  const epoch = Number(service.epoch)
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch, version: facts.version ?? 0 }
  return isServed(yield* control.askHost(service.machine), wanted) ? null : 'a runtime'
}

// biome-ignore lint/correctness/useYield: a step like the others, which need not wait.
function* tellGateway({ control }: Context): Task<string | null> {
  control.push()
  return null
}

function* close({ control, service }: Context): Task<string | null> {
  control.push()
  if (!control.board.isReachable(service.machine)) return null
  return isNotServed(yield* control.askHost(service.machine), service.name) ? null : 'its end'
}

function* settleData({ control, service, facts }: Context): Task<string | null> {
  if (facts.version === undefined) {
    service.state = 'archived'
    service.ended_at = new Date(0)
    facts.version = control.rows.bump()
    control.commit()
  }
  control.push()
  return yield* schemaWait(control, service, facts.version)
}

function* fence({ control, operation, service, facts }: Context): Task<string | null> {
  const { from, server } = inputOf(operation)
  control.push()
  if (!control.board.isReachable(from.machine)) return null
  const found = yield* control.askHost(from.machine)
  if (!isNotServed(found, service.name)) return 'its end'
  const state = found.servers.find((entry) => entry.name === server)?.state
  facts.isOldStopConfirmed = from.machine === facts.oldPrimaryMachine && state === 'quarantined'
  return null
}

function* bringUpDatabase({ control, operation, facts }: Context): Task<string | null> {
  const { rows, board } = control
  const input = inputOf(operation)
  const before = rows.server(input.server)
  if (input.action === 'keep') {
    const { machine } = primaryOf(before)
    if (!board.isReachable(machine)) throw new Fault('recovery.database_lost', 409, 'it was alive and is lost now')
    const found = yield* control.askHost(machine)
    return found.servers.find((entry) => entry.name === input.server)?.state === 'running' ? null : 'it to be open'
  }
  if (!facts.isPromoted) {
    const standby = standbyOf(before)
    const machine = standby?.machine ?? primaryOf(before).machine
    if (standby) {
      const found = (yield* control.askHost(machine)).servers.find((entry) => entry.name === input.server)
      if (found?.role !== 'standby' || found.state !== 'running') throw new Fault('door.unreachable', 503, 'no standby')
    }
    facts.serverEpoch = promote(control, operation, machine, facts)
  }
  control.push()
  const server = rows.server(input.server)
  const facts2 = yield* control.askHost(primaryOf(server).machine)
  const found = facts2.servers.find((entry) => entry.name === input.server)
  const isOpen = found?.state === 'running' && found.role === 'primary' && found.epoch === Number(server.epoch)
  return isOpen ? null : 'its promotion'
}

// One transaction, as `promoteMember`.
function promote(control: SimControl, operation: SimOperation, machine: string, facts: OperationFacts): number {
  const { rows, world } = control
  const server = rows.server(inputOf(operation).server)
  const decision = world.rules.decidePromotion(server.name, server.members, machine)
  facts.isPromoted = true
  if (decision.kind === 'done') return Number(server.epoch)
  server.members = server.members.filter((member) => !decision.removed.includes(member.machine))
  for (const member of server.members) {
    if (decision.quarantined.includes(member.machine)) Object.assign(member, { role: 'quarantined', standing: null })
    if (member.machine !== machine) continue
    const is_old_primary_stopped = facts.isOldStopConfirmed === true
    Object.assign(member, { role: 'primary', standing: null, slot: null, is_old_primary_stopped })
  }
  server.epoch = String(rows.nextEpoch())
  for (const service of rows.living) if (service.server === server.name) service.epoch = String(rows.nextEpoch())
  // In the same transaction: other recoveries must see that the server is coming up.
  operation.facts = structuredClone(facts)
  rows.bump()
  control.commit()
  return Number(server.epoch)
}

function* activate({ control, operation, service, facts }: Context): Task<string | null> {
  const input = inputOf(operation)
  if (facts.desiredVersion === undefined) {
    const epoch = Math.max(Number(service.epoch), input.epoch)
    Object.assign(service, { state: 'activating', ...input.to, epoch: String(epoch) })
    facts.desiredVersion = control.rows.bump()
    control.commit()
  }
  if (control.world.rules.isSecondaryGivenUpEarly) control.world.invariants.noteConsumed(operation.id)
  control.push()
  const version = facts.desiredVersion
  const problem = yield* schemaWait(control, service, version)
  if (problem) return problem
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  return isServed(yield* control.askHost(input.to.machine), wanted) ? null : 'a runtime'
}

function* verify({ control, service }: Context): Task<string | null> {
  const { world } = control
  const host = world.host(service.machine)
  const epoch = Number(service.epoch)
  yield* probed(control, (done) =>
    world.network.send('control', { machine: host.name, actor: host.runtime.actor }, () =>
      host.runtime.write(service.name, epoch, done),
    ),
  )
  return null
}

function* reroute({ control, service, facts }: Context): Task<string | null> {
  control.board.forget(service.id)
  service.state = 'ready'
  control.rows.bump()
  control.commit()
  facts.isForwardOnly = true
  const isLive = control.board.isGatewayLive()
  if (!(yield* control.pushToGateway()) && isLive) return 'the gateway'
  return null
}

function* prove({ control, operation, service }: Context): Task<string | null> {
  if (!control.board.isGatewayLive()) return 'a gateway'
  const { world } = control
  const epoch = yield* probed(control, (done) =>
    world.network.send('control', world.gateway.address, () => world.gateway.write(service.name, done)),
  )
  if (epoch !== Number(service.epoch)) throw new Fault('probe.failed', 503, 'another epoch answered')
  world.invariants.noteProven(operation.id)
  return null
}

// biome-ignore lint/correctness/useYield: a step like the others, which need not wait.
function* cleanUp({ control, operation, service }: Context): Task<string | null> {
  const secondary = control.rows.service(inputOf(operation).secondaryId)
  if (secondary.ended_at === null) {
    control.world.invariants.noteConsumed(operation.id)
    Object.assign(secondary, { state: 'archived', ended_at: new Date(0), operation_id: null })
    service.operation_id = null
    control.rows.bump()
    control.commit()
  }
  control.push()
  return null
}

// Sends a probe and waits for its acknowledgement, which carries the epoch that answered.
function* probed(control: SimControl, send: (done: (epoch: number) => void) => void): Task<number> {
  const { scheduler } = control.world
  const epoch = yield (resume, fail) => {
    scheduler.after(control.actor, 1_800, () => fail(new Fault('probe.failed', 503, 'no answer to a probe')))
    send((found) => scheduler.after(control.actor, 1, () => resume(found)))
  }
  return Number(epoch)
}

function finish({ control, operation, service }: Context): void {
  operation.state = 'succeeded'
  if (operation.kind !== 'recover' && service.operation_id === operation.id) {
    if (operation.kind === 'create') service.state = 'ready'
    service.operation_id = null
  }
  control.rows.bump()
  control.commit()
  control.push()
}

function fail(context: Context): void {
  const { control, operation, service, facts } = context
  operation.facts = structuredClone(facts)
  if (operation.kind === 'recover') failRecovery(context)
  else {
    const isEnded = service.ended_at !== null
    operation.state = operation.kind === 'delete' && isEnded ? 'succeeded' : 'failed'
    if (service.operation_id === operation.id) {
      if (operation.kind === 'create') Object.assign(service, { state: 'deleted', ended_at: new Date(0) })
      else if (!isEnded) service.state = 'ready'
      service.operation_id = null
    }
  }
  control.rows.bump()
  control.commit()
  control.push()
}

function failRecovery({ control, operation, service, facts }: Context): void {
  const input = inputOf(operation)
  if (control.world.rules.isPastReturn(facts)) {
    operation.state = 'needs_you'
    operation.next = `mainstay mobile recover ${service.name} ${input.secondaryName}`
    return
  }
  operation.state = 'failed'
  const secondary = control.rows.service(input.secondaryId)
  const epoch = String(control.rows.nextEpoch())
  if (service.operation_id === operation.id) {
    Object.assign(service, { state: 'ready', ...input.from, epoch, operation_id: null })
  }
  if (secondary.operation_id === operation.id) secondary.operation_id = null
}

function inputOf(operation: SimOperation) {
  if (!operation.input) throw new TypeError('a recovery has its input')
  return operation.input
}
