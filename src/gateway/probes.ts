// The gateway as a vantage point: does each host answer, each runtime, and do the runtimes reach their databases?
import type { MachineAddress } from '../contract/assignment.ts'
import type { ProbeFacts, RuntimeHealth } from '../contract/facts.ts'
import { INTERNAL_HEADER_PREFIX, RUNTIME_HEALTH_PATH } from '../contract/protocols.ts'
import { awakeMs } from '../kit/awake-clock.ts'
import { messageOf } from '../kit/fault.ts'
import { PROBE_MS_MAX } from '../kit/limits.ts'
import type { Peers } from '../machine/peers.ts'
import type { Routes } from './routes.ts'

/** What a runtime says of its databases. */
type Told = Required<Pick<ProbeFacts, 'unreachableServers' | 'refusedLogins'>>
type Probe = Told & { lastSuccessAt: number; problem: string | null; isRunning: boolean }

const NOTHING_TOLD: Told = { unreachableServers: [], refusedLogins: [] }

export class Probes {
  readonly #routes: Routes
  readonly #peers: Peers
  readonly #probes = new Map<string, Probe>()

  constructor(routes: Routes, peers: Peers) {
    this.#routes = routes
    this.#peers = peers
  }

  /** Starts a probe of everything that is not being probed; does not wait for any. */
  probeAll(): void {
    for (const host of this.#routes.hosts) {
      this.#start(host.machine, null, async () => {
        await this.#peers.call(host, { method: 'GET', path: '/live', timeoutMs: PROBE_MS_MAX })
        return NOTHING_TOLD
      })
    }
    const known = new Set<string>()
    for (const { runtime, to } of this.#routes.all) {
      if (known.has(`${to.machine} ${runtime}`)) continue
      known.add(`${to.machine} ${runtime}`)
      this.#start(to.machine, runtime, async () => await this.#askRuntime(runtime, to))
    }
  }

  /**
   * How long a machine's host has not answered, in milliseconds; 0 for one that is not probed. On the way of every
   * request of an app, so it only looks up.
   */
  silentMsOf(machine: string): number {
    const probe = this.#probes.get(keyOf(machine, null))
    return probe && this.#routes.hasHost(machine) ? Math.round(awakeMs() - probe.lastSuccessAt) : 0
  }

  facts(): ProbeFacts[] {
    const wanted = new Set(this.#routes.hosts.map(({ machine }) => keyOf(machine, null)))
    for (const { runtime, to } of this.#routes.all) wanted.add(keyOf(to.machine, runtime))
    const found: ProbeFacts[] = []
    for (const [key, { lastSuccessAt, problem, unreachableServers, refusedLogins }] of this.#probes) {
      if (!wanted.has(key)) this.#probes.delete(key)
      else {
        const [machine = '', runtime = ''] = key.split(' ')
        const silentMs = Math.round(awakeMs() - lastSuccessAt)
        const told = { unreachableServers, refusedLogins }
        found.push({ machine, runtime: runtime || null, silentMs, problem, ...told })
      }
    }
    return found
  }

  #start(machine: string, runtime: string | null, ask: () => Promise<Told>): void {
    const key = keyOf(machine, runtime)
    // Before its first try has ended a thing counts as having answered just now: absence of evidence is no evidence.
    const probe = this.#probes.get(key) ?? {
      lastSuccessAt: awakeMs(),
      problem: null,
      ...NOTHING_TOLD,
      isRunning: false,
    }
    this.#probes.set(key, probe)
    if (probe.isRunning) return
    probe.isRunning = true
    const done = (result: Partial<Probe>) => Object.assign(probe, { ...result, isRunning: false })
    ask().then(
      (told) => done({ lastSuccessAt: awakeMs(), problem: null, ...told }),
      (error) => done({ problem: messageOf(error), ...NOTHING_TOLD }),
    )
  }

  async #askRuntime(runtime: string, to: MachineAddress): Promise<Told> {
    const answer = await this.#routes.probePoolTo({ runtime, to }).request({
      method: 'GET',
      path: RUNTIME_HEALTH_PATH,
      headers: { [`${INTERNAL_HEADER_PREFIX}internal`]: '1' },
      signal: AbortSignal.timeout(PROBE_MS_MAX),
    })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      throw new TypeError(`the runtime answered ${answer.statusCode}`)
    }
    const health = (await answer.body.json()) as RuntimeHealth
    const unreachable = health.services.filter((one) => !one.isDatabaseReachable).map((one) => one.server)
    const refusedLogins = health.services
      .filter((one) => one.isLoginRefused)
      .map((one) => ({ service: one.name, epoch: one.epoch }))
    return { unreachableServers: [...new Set(unreachable)], refusedLogins }
  }
}

function keyOf(machine: string, runtime: string | null): string {
  return `${machine} ${runtime ?? ''}`
}
