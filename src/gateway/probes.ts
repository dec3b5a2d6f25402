// The gateway as a vantage point: does each host answer, each runtime, and do the runtimes reach their databases?
import type { MachineAddress } from '../contract/assignment.ts'
import type { ProbeFacts, RuntimeHealth } from '../contract/facts.ts'
import { INTERNAL_HEADER_PREFIX, RUNTIME_HEALTH_PATH } from '../contract/protocols.ts'
import { awakeMs } from '../kit/awake-clock.ts'
import { messageOf } from '../kit/fault.ts'
import { PROBE_MS_MAX } from '../kit/limits.ts'
import type { Peers } from '../machine/peers.ts'
import type { Routes } from './routes.ts'

type Probe = { lastSuccessAt: number; problem: string | null; unreachableServers: string[]; isRunning: boolean }

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
        return []
      })
    }
    const known = new Set<string>()
    for (const { runtime, to } of this.#routes.all) {
      if (known.has(`${to.machine} ${runtime}`)) continue
      known.add(`${to.machine} ${runtime}`)
      this.#start(to.machine, runtime, async () => await this.#askRuntime(runtime, to))
    }
  }

  facts(): ProbeFacts[] {
    const wanted = new Set(this.#routes.hosts.map(({ machine }) => keyOf(machine, null)))
    for (const { runtime, to } of this.#routes.all) wanted.add(keyOf(to.machine, runtime))
    const found: ProbeFacts[] = []
    for (const [key, { lastSuccessAt, problem, unreachableServers }] of this.#probes) {
      if (!wanted.has(key)) this.#probes.delete(key)
      else {
        const [machine = '', runtime = ''] = key.split(' ')
        const silentMs = Math.round(awakeMs() - lastSuccessAt)
        found.push({ machine, runtime: runtime || null, silentMs, problem, unreachableServers })
      }
    }
    return found
  }

  #start(machine: string, runtime: string | null, ask: () => Promise<string[]>): void {
    const key = keyOf(machine, runtime)
    // Before its first try has ended a thing counts as having answered just now: absence of evidence is no evidence.
    const probe = this.#probes.get(key) ?? {
      lastSuccessAt: awakeMs(),
      problem: null,
      unreachableServers: [],
      isRunning: false,
    }
    this.#probes.set(key, probe)
    if (probe.isRunning) return
    probe.isRunning = true
    const done = (result: Partial<Probe>) => Object.assign(probe, { ...result, isRunning: false })
    ask().then(
      (unreachableServers) => done({ lastSuccessAt: awakeMs(), problem: null, unreachableServers }),
      (error) => done({ problem: messageOf(error), unreachableServers: [] }),
    )
  }

  async #askRuntime(runtime: string, to: MachineAddress): Promise<string[]> {
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
    return [...new Set(health.services.filter((one) => !one.isDatabaseReachable).map((one) => one.server))]
  }
}

function keyOf(machine: string, runtime: string | null): string {
  return `${machine} ${runtime ?? ''}`
}
