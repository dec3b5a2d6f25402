// Control in the simulation: its rows outlive it, its memory does not. Takes facts, tends standbys, runs operations.
import type { HostAssignment } from '../../src/contract/assignment.ts'
import type { GatewayFacts, HostFacts, ReleaseAnswer, ReleaseRequest } from '../../src/contract/facts.ts'
import { deriveGatewayAssignment, deriveHostAssignment } from '../../src/control/assignments.ts'
import { primaryOf, type ServerWithMembers, standbyOf } from '../../src/databases/servers.ts'
import { isFollowing } from '../../src/databases/standing.ts'
import { Fault } from '../../src/kit/fault.ts'
import { OPERATION_LEASE_MS, REGION_CALL_MS_MAX } from '../../src/kit/limits.ts'
import { Board } from './board.ts'
import { runOperation } from './operations.ts'
import type { SimOperation } from './rows.ts'
import { Rows } from './rows.ts'
import { Actor, Killed, type Task } from './scheduler.ts'
import type { World } from './world.ts'

const TICK_MS = 500

export class SimControl {
  readonly actor = new Actor('control')
  readonly address = { machine: 'control', actor: this.actor }
  readonly rows = new Rows()
  readonly world: World
  board: Board
  /** Ends the process after its next transaction. */
  isArmed = false
  #brokenSince = new Map<string, number>()
  #derived = new Map<string, { version: number; assignment: HostAssignment | null }>()
  #holders = 0

  constructor(world: World) {
    this.world = world
    this.board = new Board(() => world.scheduler.now)
  }

  start(): void {
    this.actor.start()
    this.board = new Board(() => this.world.scheduler.now)
    this.#brokenSince = new Map()
    const tick = () => {
      if (this.board.judge(this.rows, this.world.rules)) {
        this.rows.bump()
        this.push()
      }
      if (this.#tend()) this.push()
      this.startFree()
      this.world.scheduler.after(this.actor, TICK_MS, tick)
    }
    this.world.scheduler.after(this.actor, 50, tick)
  }

  /** The end of a transaction. */
  commit(): void {
    this.world.invariants.checkRows()
    if (!this.isArmed) return
    this.isArmed = false
    throw new Killed(() => this.world.killControl())
  }

  takeHeartbeat(facts: HostFacts): HostAssignment | null {
    this.board.hosts.set(facts.machine, { facts, at: this.world.scheduler.now })
    return this.rows.version > facts.version ? this.assignmentOf(facts.machine) : null
  }

  takeGatewayHeartbeat(facts: GatewayFacts): void {
    this.board.gateway = { facts, at: this.world.scheduler.now }
    if (facts.version < this.rows.version) this.world.gateway.take(this.#routes())
  }

  /** Records a standby as released, as the real one does under the server's lock. */
  release(machine: string, request: ReleaseRequest): ReleaseAnswer {
    const { rules, scheduler, random } = this.world
    const { epoch, members } = this.rows.server(request.server)
    const decision = rules.decideRelease({ epoch: Number(epoch), isBlocking: false, members }, machine, request)
    if (decision.kind === 'refuse') return { isReleased: false, reason: decision.reason }
    const write = () => {
      for (const member of members) {
        if (member.machine === decision.machine && member.role === 'standby') member.standing = 'released'
      }
      this.rows.bump()
      this.commit()
      this.push()
    }
    if (rules.isReleaseLocked) write()
    else scheduler.after(this.actor, random.between(20, 2_000), write)
    return { isReleased: true, reason: '' }
  }

  assignmentOf(machine: string): HostAssignment | null {
    const known = this.#derived.get(machine)
    if (known?.version === this.rows.version) return known.assignment
    const assignment = deriveHostAssignment(this.rows.snapshot(), machine, (sealed) => sealed)
    this.#derived.set(machine, { version: this.rows.version, assignment })
    return assignment
  }

  /** Tells every machine that can be reached; nobody waits for it. */
  push(): void {
    for (const host of this.world.hosts) {
      if (!this.board.isReachable(host.name)) continue
      const assignment = this.assignmentOf(host.name)
      if (assignment) this.world.network.send('control', host.address, () => host.assign(assignment))
    }
    const routes = this.#routes()
    const { gateway } = this.world
    this.world.network.send('control', gateway.address, () => gateway.take(routes))
  }

  /** Tells the gateway and waits until it has it; false when it stays silent. */
  *pushToGateway(): Task<boolean> {
    const { gateway, network } = this.world
    const routes = this.#routes()
    try {
      yield* network.call(this.address, gateway.address, { timeoutMs: 1_000, answer: () => gateway.take(routes) })
      return true
    } catch (error) {
      if (error instanceof Fault) return false
      throw error
    }
  }

  *askHost(machine: string): Task<HostFacts> {
    if (!this.board.isReachable(machine)) throw new Fault('door.unreachable', 503, `${machine} cannot be reached`)
    const host = this.world.host(machine)
    const call = { timeoutMs: REGION_CALL_MS_MAX, answer: () => host.facts() }
    const facts = yield* this.world.network.call(this.address, host.address, call)
    this.board.hosts.set(machine, { facts, at: this.world.scheduler.now })
    return facts
  }

  /** Takes and carries on every operation that nobody holds. */
  startFree(): void {
    for (const operation of this.rows.operations.values()) {
      if (operation.state !== 'running' || operation.heldUntil > this.world.scheduler.now) continue
      this.#holders += 1
      operation.holder = `holder ${this.#holders}`
      this.#hold(operation, operation.holder)
      this.world.scheduler.spawn(this.actor, runOperation(this, operation))
    }
  }

  // Renewed for as long as this process lives.
  #hold(operation: SimOperation, holder: string): void {
    if (operation.holder !== holder || operation.state !== 'running') return
    operation.heldUntil = this.world.scheduler.now + OPERATION_LEASE_MS
    this.world.scheduler.after(this.actor, OPERATION_LEASE_MS / 5, () => this.#hold(operation, holder))
  }

  #routes() {
    const verdicts = new Map(this.rows.living.map(({ id }) => [id, this.board.verdictOf(id)]))
    return deriveGatewayAssignment({ ...this.rows.snapshot(), verdicts }, 'gateway', (sealed) => sealed)
  }

  #tend(): boolean {
    let isChanged = false
    for (const server of this.rows.servers) if (this.#tendStanding(server)) isChanged = true
    return isChanged
  }

  #tendStanding(server: ServerWithMembers): boolean {
    const standby = standbyOf(server)
    if (!standby?.standing) return false
    const primary = this.board.freshServer(primaryOf(server).machine, server.name)
    const copy = this.board.freshServer(standby.machine, server.name)
    const isBroken = primary !== null && copy !== null && !isFollowing(primary, copy)
    const now = this.world.scheduler.now
    if (!isBroken) this.#brokenSince.delete(server.name)
    else if (!this.#brokenSince.has(server.name)) this.#brokenSince.set(server.name, now)
    const brokenMs = now - (this.#brokenSince.get(server.name) ?? now)
    const known = { standing: standby.standing, term: standby.lease_term, brokenMs }
    const facts = { ...known, primary, standby: copy, sync: null }
    const change = this.world.rules.nextStanding(facts)
    const moved = change && this.world.rules.decideMove(standby, change)
    if (!moved) return false
    Object.assign(standby, moved)
    if (change.isNewTerm) this.rows.bump()
    this.commit()
    return change.isNewTerm
  }
}
