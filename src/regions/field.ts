// The machines out there as operations see them: tell them what is wanted, ask them how it stands.
import type { HostFacts, ProbeAnswer } from '../contract/facts.ts'
import type { HostCondition } from '../contract/host-condition.ts'
import type { Capacity } from './ledger.ts'

/** A service at its home, for a probe: whose master key opens it, and under which epoch it must answer. */
export type ProbeTarget = { service: string; masterKey: string; epoch: number; machine: string; runtime: string }

/** An order to a host, by its path. */
export type HostOrder = { method: 'GET' | 'POST' | 'PUT'; path: string; body?: unknown; timeoutMs?: number }

export type Field = {
  /** Derives what is wanted from the rows and tells every machine that can be reached; names those that cannot. */
  push: () => Promise<{ unreached: string[] }>
  /**
   * Fresh facts of a host, also noted on the board. Faults with `door.unreachable` when it is lost, with
   * `machine.not_answering` when it was heard a moment ago: it may be starting again.
   */
  askHost: (machine: string) => Promise<HostFacts>
  /**
   * The same, once a condition is met, or after a moment: for what requests wait for. Of databases it tells the state,
   * and the positions of before.
   */
  awaitHost: (machine: string, condition: HostCondition) => Promise<HostFacts>
  /**
   * Waits until control knows how its hosts stand: at once, except just after its start, when a host that was not heard
   * yet is not lost for that.
   */
  settle: () => Promise<void>
  /** True while a machine counts as reachable. */
  isReachable: (machine: string) => boolean
  /** What a host last said that it can hold; empty when it said nothing of it. */
  offerOf: (machine: string) => Partial<Capacity>
  /** Gateways with a recent heartbeat, and those known without one. */
  gateways: () => Promise<{ live: string[]; late: string[] }>
  /** Requests of these services that gateways still have under way, in all; gateways that are late are left out. */
  countUnderWay: (services: string[]) => Promise<number>
  /**
   * Gives a host an order, or asks it something. Faults with `door.unreachable` when it is lost, or with its own fault.
   * `timeoutMs`: for what takes longer than a call to another region usually may.
   */
  order: (machine: string, call: HostOrder) => Promise<unknown>
  /** Has a server's primary write a checkpoint. Faults as `askHost`. */
  checkpoint: (machine: string, server: string) => Promise<void>
  /** Writes and reads our own row at the service's runtime. Faults when it cannot. */
  probeRuntime: (target: ProbeTarget) => Promise<ProbeAnswer>
  /** The same at the stable URL, through one gateway's public side. */
  probeThroughGateway: (gateway: string, target: ProbeTarget) => Promise<ProbeAnswer>
}

/** The runtime that serves a service: the shared one, or one of its own. */
export function runtimeOf(service: { name: string; mode: 'shared' | 'reserved' }): string {
  // A service's name is a DNS label; the prefix keeps one called "shared" apart from the shared runtime.
  return service.mode === 'shared' ? 'shared' : `svc-${service.name.toLowerCase()}`
}
