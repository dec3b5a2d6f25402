// A machine of a region in the simulation: its disk, its clock, and its processes: host, guard, runtime, PostgreSQL.
import type { HostAssignment, ServerAssignment } from '../../src/contract/assignment.ts'
import type { HostFacts, ProofAnswer } from '../../src/contract/facts.ts'
import type { LeaseUntil } from '../../src/contract/runtime-channel.ts'
import { Fault } from '../../src/kit/fault.ts'
import { HEARTBEAT_EVERY_MS, LEASE_MS, PROOF_EVERY_MS } from '../../src/kit/limits.ts'
import { SimGuard } from './guard.ts'
import { Postgres } from './postgres.ts'
import { type Served, SimRuntime } from './runtime.ts'
import { Actor, bootMsOf, type Clock, Killed, type Task } from './scheduler.ts'
import { type Disk, SimServer } from './server.ts'
import type { World } from './world.ts'

const PROOF_MS_MAX = 700

export class SimHost {
  readonly name: string
  readonly world: World
  readonly clock: Clock
  readonly actor: Actor
  guard: SimGuard
  runtime: SimRuntime
  /** What survives. */
  assignment: HostAssignment | null = null
  readonly disks = new Map<string, Disk>()
  readonly #postgres = new Map<string, Postgres>()
  /** What a host process knows. */
  servers = new Map<string, SimServer>()
  #version = 0
  #remote = new Map<string, { machine: string; untilBootMs: number }>()
  readonly #reachedAt = new Map<string, number>()
  /** Ends the process at its next durable step. */
  isArmed = false
  isRegionDown = false
  computeDownUntil = 0

  constructor(world: World, name: string, clock: Clock) {
    this.world = world
    this.name = name
    this.clock = clock
    this.actor = new Actor(`host ${name}`)
    this.actor.isAlive = false
    this.guard = new SimGuard(this)
    this.guard.actor.isAlive = false
    this.runtime = new SimRuntime(this)
    this.runtime.actor.isAlive = false
  }

  get address() {
    return { machine: this.name, actor: this.actor }
  }

  get version(): number {
    return this.#version
  }

  boot(): number {
    return bootMsOf(this.clock, this.world.scheduler.now)
  }

  postgres(server: string): Postgres {
    const found = this.#postgres.get(server) ?? new Postgres()
    this.#postgres.set(server, found)
    return found
  }

  disk(server: string): Disk {
    const found = this.disks.get(server) ?? { kept: null, endedBelowEpoch: 0, hasData: false }
    this.disks.set(server, found)
    return found
  }

  /** A durable step was taken. */
  noteDurable(): void {
    if (!this.isArmed) return
    this.isArmed = false
    throw new Killed(() => this.world.killHost(this))
  }

  /** Starts the host process and what belongs to it. */
  start(): void {
    const { scheduler } = this.world
    this.actor.start()
    this.servers = new Map()
    this.#version = 0
    this.#remote = new Map()
    this.#startGuard()
    if (this.computeDownUntil <= scheduler.now) this.startRuntime()
    scheduler.spawn(this.actor, this.#begin())
  }

  startRuntime(): void {
    this.runtime.actor.kill()
    this.runtime = new SimRuntime(this)
    this.world.scheduler.after(this.runtime.actor, 300, () => this.#tellRuntime())
  }

  assign(assignment: HostAssignment): void {
    if (assignment.version <= this.#version) return
    this.assignment = assignment
    this.noteDurable()
    this.#follow(assignment)
  }

  noteFenced(server: string): void {
    const found = this.servers.get(server)
    if (found) found.isFencedByGuard = true
    found?.wake()
  }

  answerProof(server: string, epoch: number): ProofAnswer {
    const found = this.servers.get(server)
    if (!found) throw new Fault('lease.unknown_server', 404, 'no such server here')
    return found.answerProof(epoch)
  }

  facts(): HostFacts {
    const { now } = this.world.scheduler
    const runtime = this.runtime
    const isUp = runtime.actor.isAlive
    return {
      protocol: 1,
      machine: this.name,
      region: this.name,
      address: '127.0.0.1',
      port: 1,
      version: this.#version,
      servers: [...this.servers.values()].map((server) => server.facts()),
      runtimes: ['shared', ...runtime.served.map((one) => `svc-${one.name}`)].map((name) => ({
        name,
        version: isUp ? runtime.version : 0,
        state: isUp ? ('running' as const) : ('stopped' as const),
        processes: isUp ? 1 : 0,
        restarts: 0,
        problem: null,
        sandbox: null,
        services: isUp ? runtime.served.map(({ name: service, epoch }) => ({ name: service, epoch })) : [],
      })),
      reach: [...this.#reachedAt].map(([machine, at]) => ({ machine, silentMs: Math.round(now - at) })),
      memoryBytes: 0,
      offer: {},
    }
  }

  /** Tells runtime and guard until when commits count. */
  publishLeases(): void {
    const { scheduler, random } = this.world
    const local = [...this.servers.values()].map((server): LeaseUntil => {
      return { server: server.name, untilBootMs: server.wanted.role === 'primary' ? server.untilBootMs() : 0 }
    })
    const remote = [...this.#remote].map(([server, { untilBootMs }]) => ({ server, untilBootMs }))
    const { runtime } = this
    const leases = [...local, ...remote]
    scheduler.after(runtime.actor, random.between(0, 2), () => runtime.setLeases(leases))
    if (!this.guard.actor.isAlive) this.#startGuard()
    const { guard } = this
    for (const [index, server] of [...this.servers.values()].entries()) {
      if (!server.isWatched) continue
      const until = server.wanted.role === 'standby' ? null : (local[index]?.untilBootMs ?? null)
      scheduler.after(guard.actor, random.between(0, 2), () => guard.watch(server.name, until))
    }
  }

  forgetWatched(server: string): void {
    const { guard } = this
    this.world.scheduler.after(guard.actor, 1, () => guard.forget(server))
  }

  #startGuard(): void {
    if (this.guard.actor.isAlive) return
    this.guard = new SimGuard(this)
    this.guard.stopMarginMs = this.world.guardMarginMs
    this.world.scheduler.after(this.guard.actor, 30_001, () => this.guard.lookForHost())
  }

  *#begin(): Task<void> {
    const { scheduler, random } = this.world
    yield* scheduler.sleep(this.actor, random.between(100, 400))
    // What control knows may be newer than what was kept.
    yield* this.#beat()
    if (this.#version === 0 && this.assignment) this.#follow(this.assignment)
    this.#every(HEARTBEAT_EVERY_MS, () => scheduler.spawn(this.actor, this.#beat()))
    this.#every(PROOF_EVERY_MS, () => this.#tick())
  }

  #every(ms: number, work: () => void): void {
    const again = () => {
      work()
      this.world.scheduler.after(this.actor, ms, again)
    }
    again()
  }

  *#beat(): Task<void> {
    const { control, network, scheduler } = this.world
    for (const peer of this.world.hosts) {
      if (peer === this || !peer.actor.isAlive || peer.actor.pausedUntil > scheduler.now) continue
      if (network.isWhole(this.name, peer.name)) this.#reachedAt.set(peer.name, scheduler.now)
      else if (!this.#reachedAt.has(peer.name)) this.#reachedAt.set(peer.name, scheduler.now)
    }
    const facts = this.facts()
    try {
      const call = { timeoutMs: HEARTBEAT_EVERY_MS, answer: () => control.takeHeartbeat(facts) }
      const assignment = yield* network.call(this.address, control.address, call)
      if (assignment) this.assign(assignment)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }

  // What hosts do twice a second: ask for proof, ask about remote leases, look after each server.
  #tick(): void {
    const { scheduler } = this.world
    for (const server of this.servers.values()) {
      scheduler.spawn(this.actor, server.ask(PROOF_MS_MAX))
      server.wake()
    }
    for (const [name, entry] of this.#remote) {
      scheduler.spawn(this.actor, this.#askRemote(name, entry.machine))
    }
  }

  *#askRemote(server: string, machine: string): Task<void> {
    const askedAt = this.boot()
    const other = this.world.host(machine)
    const answer = () => {
      const until = other.servers.get(server)?.untilBootMs()
      if (until === undefined) throw new Fault('server.unknown', 404, 'no such server')
      return until === null ? null : Math.max(0, until - other.boot())
    }
    const remainingMs = yield* this.world.network.call(this.address, other.address, { timeoutMs: 1_000, answer })
    const entry = this.#remote.get(server)
    if (!entry || entry.machine !== machine) return
    const until = this.world.rules.remoteUntilMs(askedAt, remainingMs, LEASE_MS)
    if (until <= entry.untilBootMs) return
    entry.untilBootMs = until
    this.publishLeases()
  }

  #follow(assignment: HostAssignment): void {
    this.#version = assignment.version
    for (const wanted of assignment.servers) this.#followServer(wanted, assignment.version)
    const remote = new Map<string, string>()
    for (const { database } of assignment.runtimes.flatMap((runtime) => runtime.services)) {
      if (database.remote) remote.set(database.server, database.remote.machine)
    }
    for (const name of this.#remote.keys()) if (!remote.has(name)) this.#remote.delete(name)
    for (const [name, machine] of remote) {
      const known = this.#remote.get(name)
      this.#remote.set(name, { machine, untilBootMs: known?.machine === machine ? known.untilBootMs : 0 })
    }
    this.#tellRuntime()
    this.publishLeases()
  }

  #tellRuntime(): void {
    const { runtime, assignment } = this
    if (!assignment || this.#version === 0) return
    const services = assignment.runtimes
      .flatMap((entry) => entry.services)
      .map(({ id, name, epoch, database }): Served => {
        return { id, name, epoch, server: database.server, databaseMachine: database.remote?.machine ?? this.name }
      })
    this.world.scheduler.after(runtime.actor, this.world.random.between(0, 5), () => {
      if (assignment.version >= runtime.version) runtime.serve(assignment.version, services)
    })
  }

  #followServer(wanted: ServerAssignment, version: number): void {
    const held = this.servers.get(wanted.name)
    if (held) {
      held.assign(wanted, version)
      return
    }
    const made = new SimServer(this, wanted)
    this.servers.set(wanted.name, made)
    made.assign(wanted, version)
  }
}
