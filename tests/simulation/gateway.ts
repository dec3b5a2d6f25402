// The gateway of the simulation: keeps its routes over a restart, probes hosts and runtimes, carries requests.
import type { GatewayAssignment } from '../../src/contract/assignment.ts'
import type { GatewayFacts, ProbeFacts } from '../../src/contract/facts.ts'
import { Actor } from './scheduler.ts'
import type { World } from './world.ts'

const BEAT_MS = 500

export class SimGateway {
  readonly actor = new Actor('gateway')
  readonly address = { machine: 'gateway', actor: this.actor }
  readonly #world: World
  #kept: GatewayAssignment = { version: 0, routes: [], hosts: [] }
  #reachedAt = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  start(): void {
    this.actor.start()
    this.#reachedAt = new Map()
    const beat = () => {
      const facts = this.#facts()
      const { control, network, scheduler } = this.#world
      network.send('gateway', control.address, () => control.takeGatewayHeartbeat(facts))
      scheduler.after(this.actor, BEAT_MS, beat)
    }
    beat()
  }

  take(assignment: GatewayAssignment): void {
    if (assignment.version > this.#kept.version) this.#kept = assignment
  }

  /** One request at the stable URL. */
  write(service: string, done: (epoch: number) => void): void {
    const route = this.#kept.routes.find((entry) => entry.service === service)
    if (!route || route.closed || !this.actor.isAlive) return
    const { network } = this.#world
    const host = this.#world.host(route.to.machine)
    if (!network.isWhole('gateway', host.name)) return
    const { runtime } = host
    network.send('gateway', { machine: host.name, actor: runtime.actor }, () =>
      runtime.write(service, route.epoch, done),
    )
  }

  #facts(): GatewayFacts {
    const { now } = this.#world.scheduler
    const probes: ProbeFacts[] = []
    for (const host of this.#world.hosts) {
      const isWhole = this.#world.network.isWhole('gateway', host.name)
      const isHostUp = isWhole && host.actor.isAlive && host.actor.pausedUntil <= now
      const { actor } = host.runtime
      const isRuntimeUp = isHostUp && actor.isAlive && actor.pausedUntil <= now
      probes.push(this.#probe(host.name, null, isHostUp, []))
      const servers = new Set(host.runtime.served.map((one) => one.server))
      const unreachable = [...servers].filter((server) => !this.#world.isServerOpen(host, server))
      for (const runtime of this.#runtimesOf(host.name)) {
        probes.push(this.#probe(host.name, runtime, isRuntimeUp, unreachable))
      }
    }
    const at = { address: '127.0.0.1', port: 1, publicUrl: '' }
    const facts = { protocol: 1, machine: 'gateway', domain: 'edge', ...at, version: this.#kept.version }
    return { ...facts, probes, requests: 0, failedRequests: 0 }
  }

  #runtimesOf(machine: string): Set<string> {
    return new Set(this.#kept.routes.filter((route) => route.to.machine === machine).map((route) => route.runtime))
  }

  #probe(machine: string, runtime: string | null, isUp: boolean, unreachableServers: string[]): ProbeFacts {
    const { now } = this.#world.scheduler
    const key = `${machine} ${runtime ?? ''}`
    if (isUp || !this.#reachedAt.has(key)) this.#reachedAt.set(key, now)
    const silentMs = now - (this.#reachedAt.get(key) ?? now)
    return { machine, runtime, silentMs, problem: null, unreachableServers }
  }
}
