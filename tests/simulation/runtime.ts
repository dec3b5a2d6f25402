// A runtime of the simulation: serves what it is told, and acknowledges a commit only while its lease holds.
import type { LeaseUntil } from '../../src/contract/runtime-channel.ts'
import { Leases } from '../../src/runtime/leases.ts'
import type { SimHost } from './host.ts'
import { Actor } from './scheduler.ts'

export type Served = { id: string; name: string; epoch: number; server: string; databaseMachine: string }

export class SimRuntime {
  readonly actor: Actor
  readonly #host: SimHost
  readonly #leases: Leases
  #served: Served[] = []
  version = 0

  constructor(host: SimHost) {
    this.#host = host
    this.actor = new Actor(`runtime ${host.name}`)
    this.#leases = new Leases(() => host.boot())
  }

  get served(): Served[] {
    return this.#served
  }

  setLeases(leases: LeaseUntil[]): void {
    this.#leases.set(leases)
  }

  serve(version: number, services: Served[]): void {
    this.version = version
    this.#served = services
  }

  /** An app's write, or a probe's: `done` is called with the epoch at the moment it is acknowledged, or never. */
  write(service: string, wantedEpoch: number | null, done: (epoch: number) => void): void {
    const found = this.#served.find((one) => one.name === service)
    if (!found || (wantedEpoch !== null && wantedEpoch !== found.epoch) || !this.#leases.isHeld(found.server)) return
    const { world } = this.#host
    const { scheduler } = world
    const home = world.host(found.databaseMachine)
    if (!world.network.isWhole(this.#host.name, home.name)) return
    const postgres = home.postgres(found.server)
    // A stopped PostgreSQL commits when it goes on; whoever waits for it goes on waiting.
    const commitMs = world.random.between(0.5, 40) + Math.max(0, postgres.pausedUntil - scheduler.now)
    const { run } = postgres
    scheduler.after(this.actor, commitMs, () => {
      if (!postgres.isAnswering(scheduler.now) || postgres.role !== 'primary' || postgres.run !== run) return
      if (postgres.logins.get(found.id) !== found.epoch) return
      if (world.rules.isCommitChecked && !this.#leases.isHeld(found.server)) return
      world.invariants.noteAcknowledged({
        machine: home.name,
        server: found.server,
        service: found.id,
        epoch: found.epoch,
      })
      done(found.epoch)
    })
  }
}
