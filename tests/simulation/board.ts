// What control knows in memory only: the newest facts of each machine, and verdicts drawn from them.
import type { GatewayFacts, HostFacts, ServerFacts } from '../../src/contract/facts.ts'
import { primaryOf } from '../../src/databases/servers.ts'
import type { Reachability, ServiceFacts, Vantage, Verdict } from '../../src/health/verdict.ts'
import { GATEWAY_SILENT_MS, HEARTBEAT_SILENT_MS, PROBE_SILENT_MS, VERDICT_CLOSE_MS } from '../../src/kit/limits.ts'
import { runtimeOf } from '../../src/regions/field.ts'
import type { Capacity } from '../../src/regions/ledger.ts'
import type { Service } from '../../src/services/services.ts'
import type { Rows } from './rows.ts'
import type { Rules } from './rules.ts'

type Entry<T> = { facts: T; at: number }

export class Board {
  readonly #now: () => number
  readonly #openedAt: number
  readonly hosts = new Map<string, Entry<HostFacts>>()
  gateway: Entry<GatewayFacts> | null = null
  lost = new Set<string>()
  readonly #verdicts = new Map<string, { verdict: Verdict; goodSince: number | null }>()

  constructor(now: () => number) {
    this.#now = now
    this.#openedAt = now()
  }

  get ageMs(): number {
    return this.#now() - this.#openedAt
  }

  silentMs(machine: string): number {
    return Math.round(this.#now() - (this.hosts.get(machine)?.at ?? this.#openedAt))
  }

  isReachable(machine: string): boolean {
    return this.hosts.has(machine) && this.silentMs(machine) < HEARTBEAT_SILENT_MS && !this.lost.has(machine)
  }

  offerOf(): Partial<Capacity> {
    return {}
  }

  isGatewayLive(): boolean {
    return this.gateway !== null && this.#now() - this.gateway.at < GATEWAY_SILENT_MS
  }

  /** A host's newest word on a server, unless it has been silent since. */
  freshServer(machine: string, server: string): ServerFacts | null {
    if (this.silentMs(machine) >= HEARTBEAT_SILENT_MS) return null
    return this.hosts.get(machine)?.facts.servers.find((entry) => entry.name === server) ?? null
  }

  verdictOf(service: string): Verdict {
    return this.#verdicts.get(service)?.verdict ?? { state: 'Ready' }
  }

  forget(service: string): void {
    this.#verdicts.delete(service)
  }

  /** Judges every host and service once; true when a verdict changed. */
  judge(rows: Rows, rules: Rules): boolean {
    const reach = new Map(rows.regions.map(({ slug }) => [slug, rules.judgeReach(this.#vantagesOf(slug), slug)]))
    this.lost = new Set([...reach].filter(([, found]) => found.isLost).map(([name]) => name))
    let isChanged = false
    for (const service of rows.living) {
      if (service.state !== 'ready') continue
      const fresh = rules.judgeService(this.#factsOf(rows, service, reach))
      if (this.#note(service.id, fresh)) isChanged = true
    }
    return isChanged
  }

  // Bad news count at once, good news when they have lasted.
  #note(id: string, fresh: Verdict): boolean {
    const entry = this.#verdicts.get(id) ?? { verdict: { state: 'Ready' as const }, goodSince: null }
    this.#verdicts.set(id, entry)
    const isBetter = fresh.state === 'Ready' || (fresh.state === 'Degraded' && entry.verdict.state === 'Unhealthy')
    if (!isBetter) entry.goodSince = null
    else if (entry.verdict.state === 'Ready') return false
    else {
      entry.goodSince ??= this.#now()
      if (this.#now() - entry.goodSince < VERDICT_CLOSE_MS) return false
    }
    if (fresh.state === entry.verdict.state) return false
    entry.verdict = fresh
    entry.goodSince = null
    return true
  }

  #vantagesOf(machine: string): Vantage[] {
    const vantages: Vantage[] = [
      { name: 'control', domain: 'control', silentMs: this.silentMs(machine), silentMsMax: HEARTBEAT_SILENT_MS },
    ]
    if (this.gateway && this.isGatewayLive()) {
      const age = this.#now() - this.gateway.at
      const probe = this.gateway.facts.probes.find((entry) => entry.machine === machine && entry.runtime === null)
      if (probe) {
        const silentMs = probe.silentMs + age
        vantages.push({ name: 'gateway', domain: 'edge', silentMs, silentMsMax: PROBE_SILENT_MS })
      }
    }
    for (const [name, { facts, at }] of this.hosts) {
      const age = this.#now() - at
      if (name === machine || age >= HEARTBEAT_SILENT_MS) continue
      const found = facts.reach.find((entry) => entry.machine === machine)
      if (!found || found.silentMs === null) continue
      vantages.push({ name, domain: name, silentMs: found.silentMs + age, silentMsMax: HEARTBEAT_SILENT_MS })
    }
    return vantages
  }

  #factsOf(rows: Rows, service: Service, reach: Map<string, Reachability>): ServiceFacts {
    const unknown = { isLost: false, evidence: [] }
    const fresh = this.silentMs(service.machine) < HEARTBEAT_SILENT_MS
    const host = fresh ? this.hosts.get(service.machine)?.facts : undefined
    const runtime = host?.runtimes.find((entry) => entry.name === 'shared')
    const probes = (this.gateway?.facts.probes ?? []).filter(
      (probe) => probe.machine === service.machine && probe.runtime === runtimeOf(service),
    )
    const server = rows.server(service.server)
    const { machine } = primaryOf(server)
    const facts = this.freshServer(machine, server.name)
    return {
      regionName: service.region,
      home: reach.get(service.machine) ?? unknown,
      isWholeRegionLost: reach.get(service.machine)?.isLost === true,
      runtime: {
        isServing: runtime ? runtime.state === 'running' : null,
        isCrashing: false,
        gatewaysSilent: probes.filter((probe) => probe.silentMs >= PROBE_SILENT_MS).length,
        gatewaysReaching: probes.filter((probe) => probe.silentMs < PROBE_SILENT_MS).length,
      },
      database: {
        server: server.name,
        regionName: machine,
        host: reach.get(machine) ?? unknown,
        isOpen: facts ? facts.state === 'running' : null,
        problem: null,
        diskFreeBytes: null,
        isUnreachableFromRuntime: probes.some((probe) => probe.unreachableServers.includes(server.name)),
        isLoginRefused: false,
      },
      scripts: null,
    }
  }
}
