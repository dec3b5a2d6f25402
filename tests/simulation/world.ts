// The simulated cloud: machines, network, control and gateway together, and what must hold after every event.
import { Fault } from '../../src/kit/fault.ts'
import { LEASE_STOP_MARGIN_MS } from '../../src/kit/limits.ts'
import { SimControl } from './control.ts'
import { SimGateway } from './gateway.ts'
import { SimHost } from './host.ts'
import { Invariants } from './invariants.ts'
import { Network } from './network.ts'
import { type Random, randomFrom } from './random.ts'
import { RULES, type Rules } from './rules.ts'
import { type Actor, Scheduler } from './scheduler.ts'

export type WorldOptions = { rules?: Partial<Rules>; guardMarginMs?: number }

/** How far two machines' clocks may run apart: what LEASE_WAIT_MARGIN_MS covers, steps of 10 ms set aside. */
const RATE_SPREAD = 0.015

export class World {
  readonly scheduler = new Scheduler()
  readonly random: Random
  readonly network: Network
  readonly rules: Rules
  readonly guardMarginMs: number
  readonly hosts: SimHost[] = []
  readonly control: SimControl
  readonly gateway: SimGateway
  readonly invariants: Invariants
  /** Operations that an operator was told of. */
  readonly acknowledged = new Set<string>()
  isSettling = false

  constructor(seed: number, options: WorldOptions = {}) {
    this.random = randomFrom(seed)
    this.rules = { ...RULES, ...options.rules }
    this.guardMarginMs = options.guardMarginMs ?? LEASE_STOP_MARGIN_MS
    this.network = new Network(this.scheduler, this.random)
    this.control = new SimControl(this)
    this.gateway = new SimGateway(this)
    this.invariants = new Invariants(this)
  }

  addHost(name: string): SimHost {
    const rate = 1 + this.random.between(-RATE_SPREAD, RATE_SPREAD)
    const host = new SimHost(this, name, { rate, offset: this.random.between(1_000, 1_000_000) })
    this.hosts.push(host)
    return host
  }

  host(name: string): SimHost {
    const found = this.hosts.find((host) => host.name === name)
    if (!found) throw new TypeError(`no host ${name}`)
    return found
  }

  /** Every other machine of the cloud, control's and the gateway's included. */
  othersOf(host: SimHost): string[] {
    return [...this.hosts.map((one) => one.name), 'control', 'gateway'].filter((name) => name !== host.name)
  }

  /** Something that an operator asks for; refusals are for the operator, and a dead control hears nothing. */
  command(run: () => string | undefined): void {
    this.scheduler.after(this.control.actor, 5, () => {
      try {
        const id = run()
        if (id !== undefined) this.acknowledged.add(id)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
      }
    })
  }

  /** An app writes at the stable URL, or straight at a runtime: an old gateway may still do so. */
  write(service = this.random.pick(this.control.rows.services).name): void {
    if (this.random.chance(0.5)) this.gateway.write(service, () => {})
    else {
      const { runtime } = this.random.pick(this.hosts)
      this.scheduler.after(runtime.actor, 0.1, () => runtime.write(service, null, () => {}))
    }
  }

  killHost(host: SimHost): void {
    if (!host.actor.isAlive) return
    host.actor.kill()
    const { runtime } = host
    // A runtime sees that its host is gone and drains what is under way.
    this.scheduler.after(null, this.random.between(0, 1_500), () => {
      if (host.runtime === runtime) runtime.actor.kill()
    })
    this.scheduler.after(null, this.random.between(200, 1_500), () => this.#revive(host))
  }

  killRegion(host: SimHost, ms: number): void {
    host.isRegionDown = true
    for (const actor of [host.actor, host.guard.actor, host.runtime.actor]) actor.kill()
    host.guard.kill()
    for (const { name } of this.control.rows.servers) host.postgres(name).stop()
    this.scheduler.after(null, ms, () => {
      host.isRegionDown = false
      this.#revive(host)
    })
  }

  killControl(ms = this.random.between(300, 3_000)): void {
    if (!this.control.actor.isAlive) return
    this.control.actor.kill()
    this.scheduler.after(null, ms, () => this.control.start())
  }

  killGateway(): void {
    if (!this.gateway.actor.isAlive) return
    this.gateway.actor.kill()
    this.scheduler.after(null, this.random.between(200, 2_000), () => this.gateway.start())
  }

  holdRuntimeDown(host: SimHost, ms: number): void {
    host.runtime.actor.kill()
    host.computeDownUntil = this.scheduler.now + ms
    this.scheduler.after(null, ms + 1, () => {
      if (host.actor.isAlive && !host.runtime.actor.isAlive) host.startRuntime()
    })
  }

  pause(actor: Actor, ms: number): void {
    if (actor.isAlive) actor.pausedUntil = Math.max(actor.pausedUntil, this.scheduler.now + ms)
  }

  /** Where a primary's standby stands, as the primary sees it. */
  standbyPosition(host: SimHost, server: string) {
    const row = this.control.rows.server(server)
    for (const other of this.hosts) {
      if (other === host) continue
      const postgres = other.postgres(server)
      const isCopy = postgres.isRunning && postgres.role === 'standby' && other.disk(server).kept?.role === 'standby'
      if (!isCopy || !row) continue
      const isStreaming =
        this.network.isWhole(host.name, other.name) && postgres.isAnswering(this.scheduler.now) && other.actor.isAlive
      return { isStreaming, flushLsn: '0/1', lagBytes: 0, lagMs: 0 }
    }
    return null
  }

  /** Whether a copy could be taken from the primary on that machine now. */
  isUpstreamOpen(host: SimHost, machine: string, server: string): boolean {
    const upstream = this.host(machine)
    const postgres = upstream.postgres(server)
    const isLed = upstream.disk(server).kept?.role === 'primary' && upstream.actor.isAlive
    return isLed && postgres.isAnswering(this.scheduler.now) && this.network.isWhole(host.name, machine)
  }

  /** Whether a runtime on that host reaches an open primary of the server. */
  isServerOpen(host: SimHost, server: string): boolean {
    const served = host.runtime.served.find((one) => one.server === server)
    if (!served) return false
    const home = this.host(served.databaseMachine)
    const postgres = home.postgres(server)
    const isThere = home === host || this.network.isWhole(host.name, home.name)
    return isThere && postgres.role === 'primary' && postgres.isAnswering(this.scheduler.now)
  }

  #revive(host: SimHost): void {
    if (!host.isRegionDown && !host.actor.isAlive) host.start()
  }
}
