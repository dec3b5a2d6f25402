// The newest facts of every machine, and when they came. In memory: they are worth nothing after a few seconds. Their
// age counts only while this process was awake.
import type { GatewayFacts, HostFacts } from '../contract/facts.ts'
import { awakeMs } from '../kit/awake-clock.ts'
import { HEARTBEAT_SILENT_MS } from '../kit/limits.ts'
import type { Capacity } from './ledger.ts'

type Entry<T> = { facts: T; at: number }

export class FactBoard {
  readonly #hosts = new Map<string, Entry<HostFacts>>()
  readonly #gateways = new Map<string, Entry<GatewayFacts>>()
  #lost = new Set<string>()
  // The board knows nothing older than itself: silence counts from here for machines never heard.
  readonly #openedAt = awakeMs()

  /** Milliseconds that we listened since the board was opened. */
  get openForMs(): number {
    return Math.round(awakeMs() - this.#openedAt)
  }

  noteHost(facts: HostFacts): void {
    this.#hosts.set(facts.machine, { facts, at: awakeMs() })
  }

  noteGateway(facts: GatewayFacts): void {
    this.#gateways.set(facts.machine, { facts, at: awakeMs() })
  }

  /** Takes a machine for one that was never heard: it is ours no more. */
  forget(machine: string): void {
    this.#hosts.delete(machine)
    this.#gateways.delete(machine)
  }

  host(machine: string): HostFacts | null {
    return this.#hosts.get(machine)?.facts ?? null
  }

  /** Milliseconds that we listened since a host was heard, or since the board was opened if it never was. */
  hostSilentMs(machine: string): number {
    return Math.round(awakeMs() - (this.#hosts.get(machine)?.at ?? this.#openedAt))
  }

  hasHeardHost(machine: string): boolean {
    return this.#hosts.has(machine)
  }

  /** Takes the complete list of hosts that are judged lost, on the word of two vantage points. */
  setLost(machines: string[]): void {
    this.#lost = new Set(machines)
  }

  isLost(machine: string): boolean {
    return this.#lost.has(machine)
  }

  /** True while a host counts as reachable: heard of late, and not lost on the word of two others. */
  isReachable(machine: string): boolean {
    // What two others cannot reach counts as lost, even while its last heartbeat here is not yet old enough.
    return this.hasHeardHost(machine) && this.hostSilentMs(machine) < HEARTBEAT_SILENT_MS && !this.isLost(machine)
  }

  /** What a host last said that it can hold; empty when it said nothing of it. */
  offerOf(machine: string): Partial<Capacity> {
    return this.#hosts.get(machine)?.facts.offer ?? {}
  }

  hosts(): { facts: HostFacts; silentMs: number }[] {
    return [...this.#hosts.values()].map(({ facts, at }) => ({ facts, silentMs: Math.round(awakeMs() - at) }))
  }

  gateways(): { facts: GatewayFacts; silentMs: number }[] {
    return [...this.#gateways.values()].map(({ facts, at }) => ({
      facts,
      silentMs: Math.round(awakeMs() - at),
    }))
  }
}
