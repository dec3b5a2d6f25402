// The gateway's routes: the last assignment, kept on disk, and the ways to each runtime that they lead to.
import { join } from 'node:path'
import type { Pool } from 'undici'
import type { GatewayAssignment, MachineAddress, Route } from '../contract/assignment.ts'
import { RUNTIME_PROTOCOL, RUNTIME_SHORTCUTS_PROTOCOL } from '../contract/protocols.ts'
import type { DialOptions, Door } from '../kit/door.ts'
import { doorPool } from '../kit/door-http.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import { GATEWAY_POOL_CONNECTIONS_MAX, MOVED_DRAIN_MS_MAX } from '../kit/limits.ts'
import { Shortcuts } from '../kit/shortcut.ts'
import type { HighestEpoch } from '../machine/highest-epoch.ts'
import type { Holds } from './holds.ts'
import { hostNameOf } from './https.ts'
import { RuntimeLines } from './runtime-lines.ts'
import type { ShownCertificates } from './shown-certificates.ts'

/** A runtime, and where it is. */
type Place = { runtime: string; to: MachineAddress }
/** Connections to one runtime: those of Node's server, and those of the fast lane. */
type Way = { pool: Pool; lines: RuntimeLines }

export class Routes {
  readonly #door: Door
  readonly #shortcuts: Shortcuts
  readonly #path: string
  readonly #highest: HighestEpoch
  readonly #holds: Holds
  readonly #certificates: ShownCertificates
  readonly #ways = new Map<string, Way>()
  /** Of routes as they are now: found on the way of every request. */
  #linesByRoute = new Map<Route, RuntimeLines>()
  readonly #probePools = new Map<string, Pool>()
  #assignment: GatewayAssignment = { version: 0, routes: [], hosts: [] }
  #machines = new Set<string>()
  #byService = new Map<string, Route>()
  #byDomain = new Map<string, string>()

  constructor(options: {
    door: Door
    home: string
    highest: HighestEpoch
    holds: Holds
    certificates: ShownCertificates
  }) {
    this.#door = options.door
    this.#shortcuts = new Shortcuts(options.door, RUNTIME_SHORTCUTS_PROTOCOL)
    this.#highest = options.highest
    this.#holds = options.holds
    this.#certificates = options.certificates
    this.#path = join(options.home, 'routes.json')
  }

  get version(): number {
    return this.#assignment.version
  }

  get hosts(): MachineAddress[] {
    return this.#assignment.hosts
  }

  /** True for a machine among `hosts`. */
  hasHost(machine: string): boolean {
    return this.#machines.has(machine)
  }

  get all(): Route[] {
    return this.#assignment.routes
  }

  /** Goes on with the routes known before the last stop. */
  async resume(): Promise<void> {
    const kept = await readJsonIfAny<GatewayAssignment>(this.#path)
    if (kept && kept.version > this.version) this.#follow(kept)
  }

  /** Takes newer routes; older or equal ones are nothing new. What still goes the old way is broken off. */
  async assign(assignment: GatewayAssignment): Promise<void> {
    if (assignment.version <= this.version) return
    this.#follow(assignment)
    await this.#highest.note(assignment.routes.map(({ epoch }) => epoch))
    await writeJson(this.#path, assignment)
  }

  find(service: string): Route | null {
    return this.#byService.get(service) ?? null
  }

  /** The service whose own domain that host is; null: nobody's. */
  serviceAt = (authority: string | undefined): string | null =>
    this.#byDomain.size === 0 ? null : (this.#byDomain.get(hostNameOf(authority)) ?? null)

  /** What an authority wants to read at a domain; null: nothing. */
  challengeAt(authority: string | undefined, token: string): string | null {
    const domain = hostNameOf(authority)
    const found = this.#assignment.challenges?.find((one) => one.token === token && one.domain === domain)
    return found?.answer ?? null
  }

  poolTo(place: Place): Pool {
    return this.#wayTo(place).pool
  }

  linesTo(route: Route): RuntimeLines {
    const known = this.#linesByRoute.get(route)
    if (known) return known
    const { lines } = this.#wayTo(route)
    this.#linesByRoute.set(route, lines)
    return lines
  }

  /**
   * A pool of its own for probes, so that they neither wait behind apps nor fall with a closed route. Always through
   * the door: that it opens is a part of what they find out.
   */
  probePoolTo(route: Place): Pool {
    const key = keyOf(route)
    const known = this.#probePools.get(key)
    if (known) return known
    const pool = doorPool(this.#door, dialOf(route), 1)
    this.#probePools.set(key, pool)
    return pool
  }

  async close(): Promise<void> {
    const ways = [...this.#ways.values()]
    for (const { lines } of ways) lines.destroy()
    const pools = [...ways.map(({ pool }) => pool), ...this.#probePools.values()]
    await Promise.all(pools.map(async (pool) => await pool.destroy()))
  }

  #wayTo(place: Place): Way {
    const key = keyOf(place)
    const known = this.#ways.get(key)
    if (known) return known
    const to = dialOf(place)
    const lines = new RuntimeLines(async () => await this.#shortcuts.dial(to))
    const way = { pool: doorPool(this.#shortcuts, to, GATEWAY_POOL_CONNECTIONS_MAX), lines }
    this.#ways.set(key, way)
    return way
  }

  #follow(assignment: GatewayAssignment): void {
    this.#assignment = assignment
    this.#door.refuse(assignment.revoked ?? [])
    this.#machines = new Set(assignment.hosts.map(({ machine }) => machine))
    this.#linesByRoute = new Map()
    this.#byService = new Map(assignment.routes.map((route) => [route.service, route]))
    const { domains = [], certificates = [] } = assignment
    this.#byDomain = new Map(domains.map(({ name, service }) => [name, service]))
    this.#certificates.follow(domains, certificates)
    // Last: who goes on finds the new routes.
    this.#holds.set(new Set(assignment.routes.filter(({ isHeld }) => isHeld).map(({ service }) => service)))
    const used = new Set(assignment.routes.filter((route) => !route.closed).map(keyOf))
    const closed = new Set(assignment.routes.filter((route) => route.closed).map(keyOf))
    for (const [key, way] of this.#ways) {
      if (used.has(key)) continue
      this.#ways.delete(key)
      // Requests under way to where a route was closed hang on a lost region: they are ended, and answered 503.
      if (closed.has(key)) endAtOnce(way)
      else endGently(way)
    }
    const probed = new Set(assignment.routes.map(keyOf))
    for (const [key, pool] of this.#probePools) {
      if (probed.has(key)) continue
      this.#probePools.delete(key)
      pool.destroy().catch(() => {})
    }
  }
}

function endAtOnce({ pool, lines }: Way): void {
  lines.destroy()
  pool.destroy().catch(() => {})
}

// The service is served elsewhere now, as wished: what is under way in its old place may end there.
function endGently(way: Way): void {
  const timer = setTimeout(() => endAtOnce(way), MOVED_DRAIN_MS_MAX)
  Promise.all([way.pool.close(), way.lines.drain()])
    .catch(() => {})
    .finally(() => clearTimeout(timer))
}

function dialOf({ runtime, to: { address, port, machine } }: Place): DialOptions {
  const expect = { expectRole: 'host', expectName: machine }
  return { address, port, protocol: RUNTIME_PROTOCOL, target: runtime, ...expect }
}

function keyOf(route: Place): string {
  return `${route.to.machine} ${route.to.address}:${route.to.port} ${route.runtime}`
}
