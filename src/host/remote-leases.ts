// Leases of servers on other hosts that runtimes here write to: a commit counts only while its primary's lease holds.
import type { MachineAddress } from '../contract/assignment.ts'
import type { LeaseUntil } from '../contract/runtime-channel.ts'
import { remoteUntilMs } from '../databases/lease.ts'
import { bootMs } from '../kit/clock.ts'
import { LEASE_MS, PROOF_EVERY_MS } from '../kit/limits.ts'
import type { Peers } from '../machine/peers.ts'

/** What a host answers about a server of its own: how long its lease still holds, null when it needs none. */
export type LeaseAnswer = { remainingMs: number | null }

const ASK_MS_MAX = 1_000

export class RemoteLeases {
  readonly #peers: Peers
  readonly #onChange: () => void
  readonly #servers = new Map<string, { from: MachineAddress; untilBootMs: number }>()
  readonly #timer: NodeJS.Timeout

  constructor(peers: Peers, onChange: () => void) {
    this.#peers = peers
    this.#onChange = onChange
    this.#timer = setInterval(() => this.#askAll(), PROOF_EVERY_MS)
  }

  /** Takes the complete list of remote servers in use. */
  assign(wanted: Map<string, MachineAddress>): void {
    for (const name of this.#servers.keys()) if (!wanted.has(name)) this.#servers.delete(name)
    for (const [name, from] of wanted) {
      const known = this.#servers.get(name)
      this.#servers.set(name, { from, untilBootMs: known?.from.machine === from.machine ? known.untilBootMs : 0 })
    }
    this.#askAll()
  }

  leases(): LeaseUntil[] {
    return [...this.#servers].map(([server, { untilBootMs }]) => ({ server, untilBootMs }))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #askAll(): void {
    // A host that is silent simply lets the last answer run out.
    for (const [name, entry] of this.#servers) this.#ask(name, entry.from).catch(() => {})
  }

  async #ask(server: string, from: MachineAddress): Promise<void> {
    const askedAt = bootMs()
    const path = `/servers/${server}/lease`
    const answer = (await this.#peers.call(from, { method: 'GET', path, timeoutMs: ASK_MS_MAX })) as LeaseAnswer
    const entry = this.#servers.get(server)
    if (!entry || entry.from.machine !== from.machine) return
    const untilBootMs = remoteUntilMs(askedAt, answer.remainingMs, LEASE_MS)
    if (untilBootMs <= entry.untilBootMs) return
    entry.untilBootMs = untilBootMs
    this.#onChange()
  }
}
