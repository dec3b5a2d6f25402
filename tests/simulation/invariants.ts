// What must hold at every moment, told from outside: what was acknowledged, promoted, kept, counted and given up.
import { GUARD_TICK_MS, LEASE_MS } from '../../src/kit/limits.ts'
import type { Service } from '../../src/services/services.ts'
import type { SimHost } from './host.ts'
import type { World } from './world.ts'

export class Violation extends Error {}

export class Invariants {
  readonly #world: World
  /** The highest epoch under which a server was ever promoted. */
  readonly #promoted = new Map<string, number>()
  readonly #highest = new Map<string, number>()
  readonly #proven = new Set<string>()
  acknowledgedWrites = 0
  promotions = 0
  consumed = 0
  #checkedVersion = -1

  constructor(world: World) {
    this.#world = world
  }

  /** One writable primary: what was promoted away acknowledges nothing any more. */
  noteAcknowledged(write: { machine: string; server: string; service: string; epoch: number }): void {
    this.acknowledgedWrites += 1
    const kept = this.#world.host(write.machine).disk(write.server).kept
    const promoted = this.#promoted.get(write.server) ?? 0
    if ((kept?.epoch ?? 0) < promoted) {
      const what = `${write.server} on ${write.machine} under epoch ${kept?.epoch}`
      throw new Violation(`two primaries: ${what} acknowledged a write after epoch ${promoted} was promoted`)
    }
    this.#grow(`acknowledged writes of ${write.service}`, write.epoch)
  }

  notePromoted(host: SimHost, server: string, epoch: number): void {
    this.promotions += 1
    this.#promoted.set(server, Math.max(this.#promoted.get(server) ?? 0, epoch))
    for (const other of this.#world.hosts) {
      if (other === host || other.disk(server).kept?.role !== 'primary') continue
      const postgres = other.postgres(server)
      if (!postgres.isRunning || postgres.role !== 'primary' || !this.#isGuarded(other)) continue
      throw new Violation(`PostgreSQL of ${server} on ${other.name} is open while ${host.name} is promoted`)
    }
  }

  noteKept(machine: string, server: string, epoch: number): void {
    this.#grow(`what ${machine} keeps of ${server}`, epoch)
  }

  noteProven(operation: string): void {
    this.#proven.add(operation)
  }

  noteConsumed(operation: string): void {
    this.consumed += 1
    if (!this.#proven.has(operation)) throw new Violation(`the secondary of ${operation} was given up before the proof`)
  }

  /** After each transaction of control. */
  checkRows(): void {
    const { rows } = this.#world.control
    if (rows.version === this.#checkedVersion) return
    this.#checkedVersion = rows.version
    for (const { name, epoch } of rows.servers) this.#grow(`epoch of ${name}`, Number(epoch))
    for (const { id, epoch } of rows.living) this.#grow(`epoch of ${id}`, Number(epoch))
    for (const region of rows.regions) {
      const here = rows.living.filter((service) => service.region === region.slug)
      const units = sumOfUnits(here)
      const slots = sumOfSlots(here)
      if (units > region.reserved_units || slots > region.shared_slots) {
        throw new Violation(
          `${region.slug} is over-booked: ${slots} of ${region.shared_slots} slots, ${units} of ${region.reserved_units} units`,
        )
      }
    }
  }

  /** What is not as it should be once the faults are over; null when all is well. */
  findUnsettled(): string | null {
    const { rows } = this.#world.control
    for (const operation of rows.operations.values()) {
      if (operation.state === 'running') return `${operation.kind} ${operation.id} runs at step ${operation.step}`
      if (operation.state === 'needs_you') return `${operation.id} needs you: ${operation.next ?? 'nothing to type'}`
    }
    for (const service of rows.living) {
      if (service.operation_id !== null) return `${service.name} is claimed by ${service.operation_id}`
      if (service.state !== 'ready') return `${service.name} is ${service.state}`
    }
    for (const server of rows.servers) {
      for (const member of server.members) {
        const facts = this.#world.host(member.machine).servers.get(server.name)?.facts()
        const wanted = member.role === 'quarantined' ? 'quarantined' : 'running'
        if (facts?.state !== wanted) return `${server.name} on ${member.machine} is ${facts?.state}, not ${wanted}`
        if (member.role === 'standby' && member.standing !== 'ready')
          return `${server.name}'s standby: ${member.standing}`
      }
    }
    return null
  }

  // A guard that ran all the while.
  #isGuarded(host: SimHost): boolean {
    const { guard } = host
    const calmMs = this.#world.scheduler.now - guard.actor.pausedUntil
    return guard.actor.isAlive && calmMs > LEASE_MS + GUARD_TICK_MS
  }

  #grow(what: string, epoch: number): void {
    const before = this.#highest.get(what) ?? 0
    if (epoch < before) throw new Violation(`${what}: epoch ${epoch} after ${before}`)
    this.#highest.set(what, epoch)
  }
}

// A recovered service stands on its secondary's promise until that is given up: the two count as the larger one.
function sumOfSlots(services: Service[]): number {
  return services.filter((one) => one.mode === 'shared' && !isCovered(one, services)).length
}

function sumOfUnits(services: Service[]): number {
  const counted = services.filter((one) => one.mode === 'reserved' && !isCovered(one, services))
  return counted.reduce((sum, one) => sum + one.units, 0)
}

function isCovered(service: Service, services: Service[]): boolean {
  if (service.operation_id === null) return false
  const twin = services.find((one) => one.id !== service.id && one.operation_id === service.operation_id)
  if (!twin || twin.mode !== service.mode) return false
  return twin.units > service.units || (twin.units === service.units && twin.id < service.id)
}
