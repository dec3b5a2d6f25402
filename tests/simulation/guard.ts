// The guard beside a host: watches what it is told, and stops PostgreSQL when `isDue` says so.
import { GUARD_HOST_GONE_MS, GUARD_TICK_MS, LEASE_STOP_MARGIN_MS } from '../../src/kit/limits.ts'
import type { SimHost } from './host.ts'
import { Actor } from './scheduler.ts'

type Entry = { untilBootMs: number | null; isFenced: boolean }

/** Stopping takes this long: signal, processes ending, the longer way by force left out. */
const STOP_MS = { low: 10, high: 200 }

export class SimGuard {
  readonly actor: Actor
  readonly #host: SimHost
  readonly #watched = new Map<string, Entry>()
  #heardAt = 0
  stopMarginMs = LEASE_STOP_MARGIN_MS

  constructor(host: SimHost) {
    this.#host = host
    this.actor = new Actor(`guard ${host.name}`)
  }

  watches(server: string): boolean {
    return this.actor.isAlive && this.#watched.has(server)
  }

  watch(server: string, untilBootMs: number | null): void {
    const { scheduler } = this.#host.world
    this.#heardAt = scheduler.now
    const entry = { untilBootMs, isFenced: false }
    this.#watched.set(server, entry)
    if (untilBootMs === null) return
    const dueIn = (untilBootMs - this.stopMarginMs - this.#host.boot()) / this.#host.clock.rate
    const tick = this.#host.world.random.between(0, GUARD_TICK_MS)
    scheduler.after(this.actor, Math.max(0, dueIn) + tick, () => this.#look(server, entry))
  }

  forget(server: string): void {
    this.#watched.delete(server)
  }

  /** A host that has been gone for long is not coming back: nobody is left to be served. */
  lookForHost(): void {
    if (this.#host.world.scheduler.now - this.#heardAt <= GUARD_HOST_GONE_MS) return
    for (const server of this.#watched.keys()) this.#stop(server)
    this.kill()
  }

  kill(): void {
    this.actor.kill()
    this.#watched.clear()
  }

  #look(server: string, entry: Entry): void {
    if (this.#watched.get(server) !== entry || entry.isFenced) return
    const watched = { server, dataFolder: '', ...entry }
    const { rules, scheduler } = this.#host.world
    if (!rules.isDue(watched, this.#host.boot(), this.stopMarginMs)) {
      // Woken a little early by a clock of another rate.
      scheduler.after(this.actor, GUARD_TICK_MS, () => this.#look(server, entry))
      return
    }
    entry.isFenced = true
    this.#stop(server)
    scheduler.after(this.#host.actor, 1, () => this.#host.noteFenced(server))
  }

  #stop(server: string): void {
    const { random, scheduler } = this.#host.world
    // SIGQUIT is on its way; it reaches a stopped process as SIGKILL.
    scheduler.after(null, random.between(STOP_MS.low, STOP_MS.high), () => this.#host.postgres(server).stop())
  }
}
